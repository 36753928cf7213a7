"""The hub's pages, for researchers, analysts, approvers and officers. They collect no signature and no approval."""
