"""The papers of a project, generated from its document and the catalogue: what is agreed is written down once.

`paper` is what one is made of and how it is written; `sharing_agreement`, `impact_assessment` and `processing_record`
say what stands in each.
"""
