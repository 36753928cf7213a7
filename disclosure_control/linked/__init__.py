"""Releases set against each other: what several tables of one snapshot tell together.

In the order in which it is worked out: `children` says whom each question counts, in words that all tables share;
`counts` writes every count as a sum over parts that have no child in common, so that counts of the same children are
one unknown whatever question they answer; `figures` reads averages, totals, spreads and lines for what they say of the
same children. With these, `joint_attack` works out what a reader of all `published` tables can. What is told too much
is mended in the newest table by a fixed rule: `companions` withholds more of its rows (`own_sake` beside it, of tables
that have no totals), and `telling` single figures. `naming` and `words` say to an output checker whom it is about.
"""
