"""Releases set against each other: what several tables of one snapshot tell together.

`counted` says of each printed count what it is a count of; `parts` cuts what is counted into parts that have no row in
common; `links` writes every count as a sum of those, so that counts of the same children are one unknown whatever
question they answer; `joint_attack` works out what a reader of them all can, and `companions` withholds more of the
newest until that is too little.
"""
