"""One way to say no: a page for people, a problem document for software."""

from flask import Flask, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from federation.problems import PROBLEM_TYPE, TITLES, ProblemRaised
from federation.web.site import SENTENCES, is_page, note_refusal, render_problem
from federation.wire import encode_document


def answer_problems(app: Flask) -> None:
    """Have an application answer problems that were raised, and errors that Flask noticed."""
    app.register_error_handler(ProblemRaised, answer_problem)
    app.register_error_handler(HTTPException, answer_http_error)


def answer_problem(raised: ProblemRaised) -> Response:
    """Answer with the problem that was raised: a page for people, a problem document for software.

    That a page was refused to somebody who has signed in is logged.
    """
    problem = raised.problem
    if is_page():
        note_refusal(problem)
        response = render_problem(problem)
    else:
        response = Response(encode_document(problem), problem.status, content_type=PROBLEM_TYPE)
    if problem.status in (429, 503):
        response.headers["Retry-After"] = "3"
    return response


def answer_http_error(error: HTTPException) -> Response:
    """Answer an error that Flask noticed (no such page, too large a body) in the same form."""
    status = error.code or 500
    title = TITLES.get(status, error.name)
    detail = SENTENCES.get(status, title) if is_page() else title
    response = answer_problem(ProblemRaised(status, title.lower().replace(" ", "_"), detail))
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response
