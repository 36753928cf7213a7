"""All pages of a node, put into its application."""

from flask import Flask

from federation.web.site import open_site
from node.pages.audit import audit
from node.pages.children import children
from node.pages.home import home
from node.pages.placed_here import placed_here
from node.pages.policy import policy
from node.pages.staff import describe_visitor
from node.service import Node


def add_pages(app: Flask, node: Node) -> None:
    """Serve a node's pages; there is no door for software here: nodes connect outward only."""
    open_site(app, node.party, node.clock)
    app.context_processor(describe_visitor)
    for pages in (home, children, placed_here, policy, audit):
        app.register_blueprint(pages)
