"""All pages of a node, put into its application."""

from flask import Flask

from federation.web.description import description
from federation.web.site import open_site
from node.health import health
from node.pages.area import area
from node.pages.audit import audit
from node.pages.breach import breach
from node.pages.children import children
from node.pages.class_list import class_list
from node.pages.delegations import delegations
from node.pages.disclosures import disclosures
from node.pages.emergency import emergency
from node.pages.figures import figures
from node.pages.handovers import handovers
from node.pages.held import held
from node.pages.home import home
from node.pages.leaving import leaving
from node.pages.named import named
from node.pages.navigation import describe_visitor
from node.pages.newcomers import newcomers
from node.pages.notices import notices
from node.pages.one_child import one_child
from node.pages.passkeys import passkeys
from node.pages.placed_here import placed_here
from node.pages.policy import policy
from node.pages.providers import providers
from node.pages.reports import reports
from node.pages.schools import name_known_school, tell_history, tell_or_name
from node.pages.tracked_child import tracked_child
from node.pages.tracking import tracking
from node.pages.tracking_files import UPLOAD, tracking_files
from node.pages.words import begin_with_capital
from node.service import Node
from node.sign_in import limit_session
from policies.words import name_actor, name_groups
from query_engine.geography import name_authority

TRACKING = (tracking, tracked_child, tracking_files, newcomers)
ABOUT_CHILDREN = (children, *TRACKING, placed_here, area, one_child, class_list, named, emergency)
"""The pages that show children, each after its purpose has been logged."""

ABOUT_OTHERS = (delegations, handovers, leaving, held)
"""The pages about what goes to other organisations, or waits to go."""

FOR_OFFICERS = (notices, disclosures, breach, audit)
"""The pages of the information governance officer."""

PAGES = (
    home,
    passkeys,
    providers,
    *ABOUT_CHILDREN,
    figures,
    reports,
    *ABOUT_OTHERS,
    policy,
    *FOR_OFFICERS,
    health,
    description,
)

DOORS = ("health", "openapi.json")
"""What is handed to software: whether the node is well and the description of these pages, and nothing of members'."""

MOST_UPLOADED = 8 * 1024 * 1024
"""Bytes of files that are sent in at a time; the dataset of the largest authority takes a few hundred thousand."""


def add_pages(app: Flask, node: Node) -> None:
    """Serve a node's pages; there is no door for members' software here."""
    open_site(
        app,
        node,
        DOORS,
        limits_of=lambda means: limit_session(node.rules().pages, means),
        uploads={UPLOAD: MOST_UPLOADED},
    )
    app.context_processor(describe_visitor)
    app.jinja_env.filters.update(
        authority=name_authority, groups=name_groups, heading=begin_with_capital, actor=name_actor
    )
    app.jinja_env.filters.update(told=tell_or_name, school=name_known_school, history=tell_history)
    for pages in PAGES:
        app.register_blueprint(pages)
