"""A node's refusal: whatever it does not do, it says why."""


class Refused(Exception):
    """The node does not answer; `code` goes into the log and the reply, `text` is safe to show."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text
