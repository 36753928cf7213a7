"""Why an authority's figures are not in a release, in words: for each code that a node or the protocol gives.

A release carries the codes. A reader is shown the words with the code behind them; one that is not here is shown bare,
since a node may run newer software than its reader.
"""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["REASONS", "explain_absence", "list_absences"]

REASONS: Mapping[str, str] = MappingProxyType(
    {
        # What it handed in, or did not.
        "late": "no answer came in time",
        "malformed_answer": "what it sent was no protected table of this question",
        "told_together": "beside earlier releases its rows would have told too much",
        "refused": "it refused, and gave no reason",
        "not_run": "it could not run the question on its data",
        # Its part in a sum did not fit the rest.
        "cells_mismatch": "the figures that it masked were not as many as the question has",
        "contribution_other": "it contributed to another attempt at this sum",
        "impersonation": "it signed in the name of another",
        "vector_mismatch": "the masked figures were not those that it signed",
        "signature_invalid": "a signature did not verify",
        "signer_unknown": "the register did not know a signer at the time",
        "malformed": "something that was signed could not be read",
        # It could not take part in the attempt at a sum.
        "aborted": "it had given its word that this attempt was over",
        "aborts_other": "it was shown the end of another attempt than the one before",
        "attempt_over": "it had taken part in a later attempt",
        "attempt_running": "an earlier attempt was not over by its clock",
        "expired": "the question or the attempt was over by its clock",
        "valid_too_long": "the attempt was to outlive the question",
        "manifest_mismatch": "the attempt was at another question than was approved",
        "roster_mismatch": "the attempt was for another roster than was approved",
        "threshold_changed": "the attempt was for another threshold than was approved",
        "quorum_missing": "too few nodes had signed what it was shown",
        "revealed": "it had helped to open this question before",
        "slot_incomplete": "what the nodes prepare for a sum had not reached it whole",
        "slot_used": "what was prepared for this sum had been used before",
        "not_contributed": "it took no part in the attempt",
        # Exact sums are all over the same authorities.
        "certificate_malformed": "the certificate of the term's exact sums did not hold",
        "certificate_other": "the certificate was not that of the term's exact sums",
        "lock_firm": "the term's exact sums are fixed to other authorities",
        "region_small": "a region has too few operators for an exact sum of its own",
        "roster_narrow": "a term's first exact sum must be over two thirds of all authorities",
        "roster_uncertified": "exact sums of this term are over other authorities",
        "snapshot_changed": "exact sums of this term began from another snapshot of its data",
        # Whom the question was put to.
        "epoch_over": "the week's keys were not in use",
        "epoch_unknown": "the attempt named no week",
        "not_in_roster": "it was not among those asked",
        "roster_large": "too many were asked for one sum",
        "roster_malformed": "the roster was not in order",
        "roster_small": "too few operators were asked for what it allows",
        "roster_unknown": "the roster named somebody who is no node",
        "roster_without": "it was not among those asked",
        "threshold_low": "fewer nodes could open the sum than it allows",
        # What its own rules and history say.
        "answers_used": "it has given as many answers under cell keys as they hide a group in",
        "audience": "the question uses a column that authorities alone may ask about",
        "column_barred": "it does not answer about a column of the question",
        "epsilon": "the question would cost more privacy than it allows",
        "epsilon_spent": "the year's questions have cost what privacy it allows",
        "history_full": "it has answered as many questions about this table and year as it allows",
        "mechanism": "it does not add noise of the kind that was asked for",
        "noise_refused": "no noise of any use hides everybody in this question",
        "path_barred": "it lets no table leave by this path",
        "path_changed": "what this measures has left by another path before",
        "path_differs": "the question was handed on as one for another path",
        "policy_denied": "its access matrix does not allow the question",
        "preset_barred": "it does not accept this protection",
        "preset_changed": "it holds rules of the protection that were changed without a new version",
        "preset_differs": "it has another version of the protection",
        "preset_lost": "it lacks the rules that protected what it answered about this before",
        "protection_changed": "it has answered about this year under another protection",
        "ptable_absent": "it does not have the perturbation table of the protection",
        "rules_invalid": "its own rules cannot be used at the moment",
        "runs_used": "the template has been run as often as was approved",
        "table_barred": "it does not answer about a table of the question",
        "terms_used": "rows about the year have left of as many terms as it allows",
        "tolerance": "more may be missing or collude than it allows",
        # What it checked the question against.
        "plan_differs": "it derives another plan from the question than was approved",
        "register_invalid": "it had no register that it could use",
        "register_old": "it had an older register than the question asks for",
        "replayed": "it had been asked this before",
        "snapshot_absent": "it has no data of the term and year",
        "template_missing": "the run came without its template",
        "year_differs": "the question is not about the one year that it names",
    }
)
"""Each code with the rest of the sentence."""


def explain_absence(code: str) -> str:
    """Return a reason in words, with its code."""
    return f"{REASONS[code]} ({code})" if code in REASONS else code


def list_absences(absent: Mapping[str, str]) -> list[str]:
    """Return a line for each authority that is not in a release, with the reason."""
    return [f"{authority}: {explain_absence(code)}" for authority, code in absent.items()]
