"""What goes wrong in a secure sum, at a node and at the hub. Neither text ever holds a share, a key or a number."""


class SumRefused(Exception):
    """A node will not do what it was asked for; `code` says why in a word fit for a log."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class SumFailed(Exception):
    """The hub cannot use what came in; `culprits` are the nodes that are to blame, as far as it can be told."""

    def __init__(self, code: str, text: str, culprits: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.culprits = culprits
