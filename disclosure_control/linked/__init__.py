"""Releases set against each other: what several tables of one snapshot tell together.

`populations` says whose rows a question counts, in words that all tables share, and `counted` of each printed count
what it is a count of; `parts` cuts what is counted into parts that have no child in common, and `kinds` sets the rows
that a child has against each other; `links` writes every count as a sum of those, so that counts of the same children
are one unknown whatever question they answer, and `ordinary` says in which it is no finding that there is nobody;
`joint_attack` works out what a reader of them all can, `companions` withholds more of the newest until that is too
little, and `naming` says in words whom a group is made of.
"""
