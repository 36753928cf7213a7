"""Why a query is refused: one code for each reason, a sentence for the asker, and the place in their text."""

from enum import StrEnum


class RefusalCode(StrEnum):
    """The reasons for refusing a query. `meaning` says in one line what each stands for."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> "RefusalCode":
        """A member that is the string `value` and carries its meaning."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    # The text as a whole
    TEXT_TOO_LONG = "text_too_long", "the text is longer than a query may be"
    CHARACTER = "character", "the text holds a character outside printable ASCII"
    COMMENT = "comment", "the text holds a comment, which approvers could mistake for the query"
    SYNTAX = "syntax", "the text is not SQL that can be read"
    TOO_DEEP = "too_deep", "the text is nested too deeply"
    NOT_A_SELECT = "not_a_select", "the statement is not a SELECT"
    SEVERAL_STATEMENTS = "several_statements", "the text holds more than one statement"

    # The shape of the statement
    SET_OPERATION = "set_operation", "UNION, INTERSECT and EXCEPT are not part of the language"
    COMMON_TABLE = "common_table", "WITH names something other than tables with a row for each child, each used once"
    SUBQUERY = "subquery", "a query inside a query is not a table with a row for each child"
    JOIN = "join", "the tables cannot be joined in this way"
    CLAUSE = "clause", "the clause is not part of the language"
    DISTINCT = "distinct", "DISTINCT belongs in COUNT(DISTINCT key) alone"
    STAR = "star", "* belongs in COUNT(*) alone"
    FUNCTION = "function", "the function is not one of the language's aggregates"
    EXPRESSION = "expression", "the expression is not part of the language"
    TOO_MANY_COLUMNS = "too_many_columns", "the query asks for too many columns"
    NOTHING_COUNTED = "nothing_counted", "the query asks for no statistic"

    # Names
    UNKNOWN_TABLE = "unknown_table", "there is no governed table of that name"
    UNKNOWN_COLUMN = "unknown_column", "the table has no column of that name"
    AMBIGUOUS_COLUMN = "ambiguous_column", "several of the joined tables have a column of that name"
    LABEL_MISSING = "label_missing", "the column needs a name of its own"
    LABEL_INVALID = "label_invalid", "the name given with AS is not a plain name"
    LABEL_REPEATED = "label_repeated", "two output columns have one name"

    # Grouping and measuring
    GROUPING_FORM = "grouping_form", "this cannot be grouped by"
    MEASURE_GROUPED = "measure_grouped", "a measure has no public categories to group by"
    UNGROUPED_COLUMN = "ungrouped_column", "a plain column of the SELECT list is not grouped by"
    GROUP_NOT_SELECTED = "group_not_selected", "a grouped column is not in the SELECT list"
    KEY_MISUSED = "key_misused", "the key may only be counted, as COUNT(DISTINCT key)"
    AUTHORITY_COLUMN = "authority_column", "the authority is chosen in the roster, not in the query"
    MODEL_FORM = "model_form", "this is not a model that can be fitted"
    DIVISION = "division", "dividing by data is not part of the language"
    MEASURE_FORM = "measure_form", "what is summed or averaged is not a measure"

    VIEW_FORM = "view_form", "HAVING, ORDER BY or LIMIT does not choose among the columns of the answer"

    # Filters
    PREDICATE_FORM = "predicate_form", "the condition does not compare one column with constants"
    NULL_COMPARISON = "null_comparison", "a comparison with NULL is never true"
    NOT_ORDERED = "not_ordered", "the column's categories have no order to compare by"
    LITERAL_TYPE = "literal_type", "the constant is not of the column's type"
    LITERAL_OUTSIDE_DOMAIN = "literal_outside_domain", "the constant is not one of the column's public values"
    LIST_TOO_LONG = "list_too_long", "the IN list is too long"
    TOO_MANY_TERMS = "too_many_terms", "the query has too many conditions"

    # The plan
    FILTER_TANGLED = "filter_tangled", "the filter is too tangled to be put in its one canonical form"
    CONSTANT_CONDITION = "constant_condition", "a condition that no row can meet, or none can fail"
    VALUES_APART = "values_apart", "the values that are left lie apart, so that their average is a count in disguise"
    TOO_WIDE = "too_wide", "sums of what is measured could leave 64 bits"
    TOO_MANY_CELLS = "too_many_cells", "the table asked for has too many cells"
    METHODOLOGY = "methodology", "a statistician would not answer this: the text names the rule and what would be sound"

    # The path, by which a question that is sound may not be answered
    PATH_AUTHORITIES = "path_authorities", "the path adds authorities up, and the question tells them apart"
    PATH_MODEL = "path_model", "a model cannot be fitted from what leaves by the path"
    PATH_REACH = "path_reach", "too few operators can reach a cell of an exact sum"
    PATH_UNBOUNDED = "path_unbounded", "nothing bounds what one child adds to a figure, so no noise could hide it"

    # The protection, by which a question that is sound may not be answered
    CELL_KEYS = "cell_keys", "cell keys change counts of children and shares of them, and nothing else"


class QueryRefused(Exception):
    """A query is not allowed. Depends on the text, the catalogue and the plan; never on data.

    `code` is fit for a log, `text` says what is wrong and what to do, and `at` is the (line, column) of the
    place in the asker's text, both counted from 1, or None where the query as a whole is at fault.
    """

    def __init__(self, code: RefusalCode, text: str, at: tuple[int, int] | None = None) -> None:
        super().__init__(text)
        self.code: str = code.value
        self.text = text
        self.at = at

    def to_json(self) -> dict[str, str | list[int] | None]:
        """The refusal as `circe query check` prints it and as the hub's problem document carries it."""
        return {"code": self.code, "text": self.text, "at": list(self.at) if self.at else None}
