"""How names that are written as codes are read: words apart, and letter by letter what is read so."""

import re

__all__ = ["spell", "spell_heading"]

ACRONYMS = re.compile(r"\b(ehc|fsm|ks[1-5]|pep|rwm|sdq|sen|uasc)\b")
"""What is read letter by letter, and stands in small letters in codes: an EHC plan, SEN support."""


def spell(code: str) -> str:
    """A code as people read it in the midst of a sentence."""
    return ACRONYMS.sub(lambda found: found[0].upper(), code.replace("_", " ")).strip()


def spell_heading(code: str) -> str:
    """A code as a heading begins, and no letter beside the first changed."""
    words = spell(code)
    return words[:1].upper() + words[1:]
