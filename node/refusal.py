"""A node's refusal: whatever it does not do, it says why."""


class Refused(Exception):
    """The node does not answer; `code` goes into the log and the reply, `text` is safe to show."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text

    def anew(self) -> "Refused":
        """Return the same, to be raised: one that a module keeps would hold on to the frames of each time it is raised.

        What was at hand in these, pages and records among it, would stay in memory for as long as the node runs.
        """
        return Refused(self.code, self.text)
