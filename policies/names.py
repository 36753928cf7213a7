"""The closed vocabularies of the access matrix: a value outside them is denied before any rule is read."""

from enum import StrEnum
from functools import cache

__all__ = ["ACTION_MEANINGS", "BY_AREA", "CHILD_RECORD", "FIELD_GROUP_MEANINGS", "RECORD_RELATIONS"]
__all__ += ["RELATION_MEANINGS", "ROLE_MEANINGS", "Action", "CareStatus", "FieldGroup", "Relation", "Role"]
__all__ += ["list_words"]


class Role(StrEnum):
    """What a person, or a machine, is signed in as; `ROLE_MEANINGS` has a line for each."""

    VIRTUAL_SCHOOL_HEAD = "virtual_school_head"
    VIRTUAL_SCHOOL_STAFF = "virtual_school_staff"
    DESIGNATED_TEACHER = "designated_teacher"
    DIRECTOR_OF_CHILDRENS_SERVICES = "director_of_childrens_services"
    REGIONAL_DIRECTOR = "regional_director"
    ACADEMY_TRUST = "academy_trust"
    AUTHORITY_INSPECTOR = "authority_inspector"
    SCHOOL_INSPECTOR = "school_inspector"
    SOCIAL_WORKER = "social_worker"
    CARER_FACING_STAFF = "carer_facing_staff"
    NODE_ADMINISTRATOR = "node_administrator"
    RESEARCHER = "researcher"
    DFE_ANALYST = "dfe_analyst"
    OFSTED = "ofsted"
    IG_OFFICER = "ig_officer"
    APPROVER = "approver"
    OUTPUT_CHECKER = "output_checker"
    HUB_OPERATOR = "hub_operator"
    NODE = "node"


class CareStatus(StrEnum):
    """What a child is to children's services, as far as a relation depends on it.

    A virtual school head's duty to the looked after goes with the care; to those who left it for adoption, guardianship
    or a child arrangements order it goes with the school's area (Children Act 1989, s. 23ZZA). Children in need and in
    kinship care follow by the same area (Children's Wellbeing and Schools Act 2026).
    """

    LOOKED_AFTER = "looked_after"
    PREVIOUSLY_LOOKED_AFTER = "previously_looked_after"
    CHILD_IN_NEED = "child_in_need"
    KINSHIP = "kinship"


class Relation(StrEnum):
    """How the asker stands to what is asked for; `RELATION_MEANINGS` has a line for each."""

    HOME = "home"
    HOST = "host"
    SCHOOL = "school"
    NAMED_CHILD = "named_child"
    PREVIOUSLY_HERE = "previously_here"
    IN_NEED_HERE = "in_need_here"
    KINSHIP_HERE = "kinship_here"
    EMERGENCY = "emergency"
    OWN_ORGANISATION = "own_organisation"
    FEDERATION = "federation"


class Action(StrEnum):
    """What the asker wants to do; `ACTION_MEANINGS` has a line for each."""

    LIST = "list"
    READ = "read"
    UPDATE = "update"
    EXPORT = "export"
    SEARCH = "search"
    AGGREGATE = "aggregate"
    SUBMIT = "submit"
    APPROVE = "approve"
    SIGN = "sign"
    ANSWER = "answer"
    ADMINISTER = "administer"
    AUDIT = "audit"


class FieldGroup(StrEnum):
    """What it is done to; `FIELD_GROUP_MEANINGS` has a line for each."""

    IDENTITY = "identity"
    CARE = "care"
    EDUCATION = "education"
    HEALTH = "health"
    PLAN = "plan"
    PLAN_PEP = "plan_pep"
    AGGREGATES = "aggregates"
    SCHOOL_AGGREGATES = "school_aggregates"
    MANIFEST = "manifest"
    AUDIT_LOG = "audit_log"
    REGISTER = "register"
    SERVICE = "service"


CHILD_RECORD = (
    FieldGroup.IDENTITY,
    FieldGroup.CARE,
    FieldGroup.EDUCATION,
    FieldGroup.HEALTH,
    FieldGroup.PLAN,
    FieldGroup.PLAN_PEP,
)
"""The groups that together are one child's record; every other group holds no pupil data."""

RECORD_RELATIONS = (
    Relation.HOME,
    Relation.HOST,
    Relation.SCHOOL,
    Relation.NAMED_CHILD,
    Relation.PREVIOUSLY_HERE,
    Relation.IN_NEED_HERE,
    Relation.KINSHIP_HERE,
)
"""The relations that a row of a child's record can be tested for; an emergency is no property of a row."""

BY_AREA = {
    Relation.PREVIOUSLY_HERE: CareStatus.PREVIOUSLY_LOOKED_AFTER,
    Relation.IN_NEED_HERE: CareStatus.CHILD_IN_NEED,
    Relation.KINSHIP_HERE: CareStatus.KINSHIP,
}
"""The relations that go with the area of a child's school alone, and the status that each is about.

Every other relation to a record is to a child who is looked after: whoever is in nobody's care has no home authority.
"""

ROLE_MEANINGS = {
    Role.VIRTUAL_SCHOOL_HEAD: "the officer who answers for the education of an authority's children in care",
    Role.VIRTUAL_SCHOOL_STAFF: "works for a virtual school head, under that head's duty",
    Role.DESIGNATED_TEACHER: "the teacher responsible for looked-after children in one school",
    Role.DIRECTOR_OF_CHILDRENS_SERVICES: "the statutory director of an authority's children's services",
    Role.REGIONAL_DIRECTOR: "a director of the Department for Education for one region",
    Role.ACADEMY_TRUST: "answers for several schools across authorities",
    Role.AUTHORITY_INSPECTOR: "inspects an authority's services for children, for Ofsted",
    Role.SCHOOL_INSPECTOR: "inspects the schools that they are entered with, for Ofsted",
    Role.SOCIAL_WORKER: "has one named child in their care, assigned by the home authority",
    Role.CARER_FACING_STAFF: "supports the foster carers of one named child, assigned by the home authority",
    Role.NODE_ADMINISTRATOR: "keeps an authority's node running and sees no pupil data",
    Role.RESEARCHER: "an accredited researcher in an approved project",
    Role.DFE_ANALYST: "a statistician of the Department for Education",
    Role.OFSTED: "an analyst of the inspectorate, who asks queries",
    Role.IG_OFFICER: "an organisation's information governance officer",
    Role.APPROVER: "reads a manifest for an organisation and signs it or does not",
    Role.OUTPUT_CHECKER: "looks at a protected table before it is released",
    Role.HUB_OPERATOR: "keeps the hub running",
    Role.NODE: "the machine of one authority, acting under its own key",
}

RELATION_MEANINGS = {
    Relation.HOME: "children in the care of the asker's authority, wherever educated",
    Relation.HOST: "children in the care of another authority who are educated in the asker's authority",
    Relation.SCHOOL: "children in care on roll at the asker's own school or schools",
    Relation.NAMED_CHILD: "one child, named to the asker by the child's home authority",
    Relation.PREVIOUSLY_HERE: "children previously looked after, by anybody, who are educated in the asker's authority",
    Relation.IN_NEED_HERE: "children in need who are educated in the asker's authority",
    Relation.KINSHIP_HERE: "children in kinship care who are educated in the asker's authority",
    Relation.EMERGENCY: "one child, exactly identified in an emergency, whose safety cannot wait for anything else",
    Relation.OWN_ORGANISATION: "what belongs to the asker's own organisation rather than to a child",
    Relation.FEDERATION: "what belongs to all members together",
}

ACTION_MEANINGS = {
    Action.LIST: "see which children there are",
    Action.READ: "see the fields of a record or document",
    Action.UPDATE: "change the fields of a record",
    Action.EXPORT: "take a copy of the fields out of Circe",
    Action.SEARCH: "find a child by exact identifiers",
    Action.AGGREGATE: "ask for and see tables of sums that have passed disclosure control",
    Action.SUBMIT: "put a manifest forward for approval",
    Action.APPROVE: "say yes or no to a manifest, or to the release of a protected table",
    Action.SIGN: "put one's own key's signature under exact bytes",
    Action.ANSWER: "reply to a manifest with a protected or masked table",
    Action.ADMINISTER: "enrol, configure, load and restart",
    Action.AUDIT: "see who saw what, and when",
}

FIELD_GROUP_MEANINGS = {
    FieldGroup.IDENTITY: "names, dates of birth, identifiers and school",
    FieldGroup.CARE: "legal status, placements and periods of care",
    FieldGroup.EDUCATION: "attendance, suspensions, needs, attainment and destinations",
    FieldGroup.HEALTH: "health checks and the strengths and difficulties score",
    FieldGroup.PLAN: "the care plan and the tracking record",
    FieldGroup.PLAN_PEP: "the personal education plan alone",
    FieldGroup.AGGREGATES: "protected or released tables down to authority level",
    FieldGroup.SCHOOL_AGGREGATES: "protected or released tables with a row per school",
    FieldGroup.MANIFEST: "the exact bytes of a query as submitted, approved and answered",
    FieldGroup.AUDIT_LOG: "the log of lookups, queries, approvals and refusals",
    FieldGroup.REGISTER: "the signed list of members and their public keys",
    FieldGroup.SERVICE: "a node's or the hub's configuration, keys, loads and health",
}


@cache
def list_words(vocabulary: type[StrEnum]) -> frozenset[str]:
    """The words of a closed vocabulary, to look a value up in."""
    return frozenset(vocabulary)
