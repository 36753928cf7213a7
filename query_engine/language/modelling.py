"""Reads FIT_LINEAR, FIT_LOGISTIC and FIT_POISSON: an outcome, and the terms that it is regressed on."""

from collections.abc import Mapping
from types import MappingProxyType

from sqlglot import exp

from query_engine.catalogue import Column
from query_engine.language.groupings import read_grouping
from query_engine.language.scope import Scope, check_arguments, refused_form
from query_engine.models.formula import Family
from query_engine.query.model import ByColumn, FitModel, ModelTerm
from query_engine.refusal import RefusalCode

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {"FIT_LINEAR": "linear", "FIT_LOGISTIC": "logistic", "FIT_POISSON": "poisson"}
)


def is_model(node: exp.Expr) -> bool:
    """Whether a node of the SELECT list fits a model."""
    return isinstance(node, exp.Anonymous) and str(node.this).upper() in FAMILIES


def read_model(node: exp.Expr, scope: Scope) -> FitModel:
    """A model. Raises `QueryRefused`.

    A column of numbers enters as it is, a category or a yes/no as a factor; FACTOR(column) makes a factor of whole
    numbers and BIN(measure) one of a measure's declared bins. `a * b` is an interaction.
    """
    if len(node.expressions) < 2:
        reason = "A model needs an outcome and at least one term: FIT_LINEAR(outcome, term, ...)."
        raise scope.refuse(RefusalCode.MODEL_FORM, reason, node)
    outcome, *terms = node.expressions
    family = FAMILIES[str(node.this).upper()]
    return FitModel(family, _outcome(outcome, scope), tuple(_term(each, scope) for each in terms))


def _outcome(node: exp.Expr, scope: Scope) -> str:
    if not isinstance(node, exp.Column):
        raise refused_form(scope.text, node)
    column = scope.filterable(node)
    if not column.is_amount:
        reason = f"{column.name} has categories, not amounts: a model is of a measure or of a yes/no column."
        raise scope.refuse(RefusalCode.MODEL_FORM, reason, node)
    return column.name


def _term(node: exp.Expr, scope: Scope) -> tuple[ModelTerm, ...]:
    if not isinstance(node, exp.Mul):
        return (_main(node, scope),)
    check_arguments(scope.text, node, {"this", "expression"})
    parts = list(node.flatten())
    if len(parts) != 2:
        raise scope.refuse(RefusalCode.MODEL_FORM, "An interaction is of two terms: a * b.", node)
    return tuple(_main(each, scope) for each in parts)


def _main(node: exp.Expr, scope: Scope) -> ModelTerm:
    match node:
        case exp.Paren():
            return _main(node.this, scope)
        case exp.Column():
            column = scope.filterable(node)
            return ModelTerm(column.name, column.name, ByColumn(column.name), factor=not _is_number(column))
        case exp.Anonymous(expressions=[exp.Column() as of]) if str(node.this).upper() in ("FACTOR", "BIN"):
            column = scope.filterable(of)
            if str(node.this).upper() == "BIN":
                return ModelTerm(f"bin of {column.name}", column.name, read_grouping(node, scope), factor=True)
            if column.role == "measure":
                reason = f"{column.name} is a measure: let it enter as a number, or as BIN({column.name})."
                raise scope.refuse(RefusalCode.MODEL_FORM, reason, node)
            return ModelTerm(column.name, column.name, ByColumn(column.name), factor=True)
        case _:
            raise refused_form(scope.text, node)


def _is_number(column: Column) -> bool:
    return column.is_amount and column.role != "flag"
