"""Handing one child's record over to another authority: offered by the home's head, accepted or declined by another's.

`packing` says what may go, `offering` and `deciding` are the ends that ask, by way of `calling`, and `answering` is any
end that is asked; `shelf` keeps what each knows of a hand-over, and `records` has what their logs say.
"""
