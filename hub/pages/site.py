"""All pages of the hub, put into its application."""

from flask import Flask

from federation.web.site import open_site
from hub.pages.asking import asking
from hub.pages.audit import audit
from hub.pages.breach import breach
from hub.pages.catalogue import catalogue
from hub.pages.citation import citation
from hub.pages.comparing import comparing
from hub.pages.downloads import downloads
from hub.pages.factors import factors
from hub.pages.home import home
from hub.pages.nodes import nodes
from hub.pages.projects import projects
from hub.pages.queries import queries
from hub.pages.release import release
from hub.pages.reports import reports
from hub.pages.visitor import describe_visitor
from hub.service import Hub

DOORS = ("api", "federation", "health", "openapi.json")
"""The first words of the paths where members' software comes in; everything else is for people."""

TELLING = (release, downloads, citation, comparing, reports, factors)
"""The pages that show figures."""

PAGES = (home, catalogue, projects, queries, asking, *TELLING, nodes, audit, breach)


def add_pages(app: Flask, hub: Hub) -> None:
    """Serve the hub's pages beside its doors."""
    open_site(app, hub, DOORS)
    app.context_processor(describe_visitor)
    for pages in PAGES:
        app.register_blueprint(pages)
