"""The doors of the hub for members' software: `/federation` for nodes, `/api` for people's clients.

Every request is signed (RFC 9421) by an active member, and every refusal is a problem document (RFC 9457). A door
reads the request, asks one room of the hub, and writes the answer; it decides nothing else. `request` is how one is
read, whoever sent it; `nodes` and `people` are the doors themselves.
"""
