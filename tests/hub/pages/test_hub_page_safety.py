"""What no page of the hub may do: run anything, be framed, be sent from elsewhere, or show text as markup."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from federation.problems import PROBLEM_TYPE
from federation.web.headers import SECURITY_HEADERS
from hub.pages.site import DOORS
from tests.hub.pages.conftest import Browse, Send
from tests.hub.pages.kept_releases import find_release_id
from tests.hub.played_federation import PlayedFederation

MARKUP = "<script>alert(1)</script> & \"quoted\" 'too'"


def list_requests(app: Flask) -> list[tuple[str, str]]:
    """A method and a path for every rule of the application, pages and doors alike."""
    filled = {"query_id": "Q-0000000000000000", "name": "child_year", "filename": "circe.css"}
    found = []
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:int:)?(\w+)>", lambda part: filled.get(part[1], "1"), rule.rule.replace("<path:", "<"))
        found += [(method, path) for method in sorted(rule.methods or ()) if method not in ("HEAD", "OPTIONS")]
    return found


def is_door(path: str) -> bool:
    return path.split("/")[1] in DOORS


def test_every_response_carries_the_security_headers(app: Flask) -> None:
    """Pages and doors, answers and refusals; nothing but the stylesheet and the icon is kept by caches."""
    client = app.test_client()
    for method, path in [*list_requests(app), ("GET", "/nowhere"), ("GET", "/api/nowhere"), ("PUT", "/")]:
        response = client.open(path, method=method)
        for name, value in SECURITY_HEADERS.items():
            if (method, path, name) == ("GET", "/sign-in", "Content-Security-Policy"):
                value = f"{value}; script-src 'self'"
            assert response.headers[name] == value, (method, path, name)
        kept = path.startswith("/assets/") and response.status_code == 200
        assert ("immutable" if kept else "no-store") in response.headers["Cache-Control"], (method, path)
        response.close()


def test_pages_may_load_styles_and_images_of_this_hub_and_nothing_else() -> None:
    policy = dict(part.split(" ", 1) for part in SECURITY_HEADERS["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    assert SECURITY_HEADERS["Referrer-Policy"] == "no-referrer"


def test_every_form_is_refused_without_its_token(app: Flask, browse: Browse) -> None:
    """Signed in or not, with no token, an empty one or another session's: 400, and nothing has happened."""
    posts = [path for method, path in list_requests(app) if method != "GET" and not is_door(path)]
    audited = {"/audit/found", "/audit/verify", "/audit/whole", "/breach"}
    assert set(posts) == {"/sign-in", "/sign-out", "/queries/new", "/queries/new/check", "/reports/ask", *audited}
    stolen = find_token(browse("bea"))
    for path in posts:
        for fields in ({}, {"form_token": ""}, {"form_token": stolen}):
            for client in (app.test_client(), browse("ana")):
                answer = client.post(path, data=fields)
                assert answer.status_code == 400, (path, fields)
                assert "This form is out of date" in answer.text


def find_token(client: FlaskClient) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', client.get("/").text)
    assert found
    return found[1]


def test_a_form_may_not_be_larger_than_any_honest_one(browse: Browse, send: Send) -> None:
    answer = send(browse("ana"), "/queries/new", {"sql": "x" * 100_000})
    assert answer.status_code == 413
    assert "too large" in answer.text


@pytest.mark.parametrize(("scheme", "prefix", "secure"), [("http", "", False), ("https", "__Host-", True)])
def test_the_cookie_is_for_this_hub_alone(app: Flask, scheme: str, prefix: str, secure: bool) -> None:
    """Scripts cannot read it, other sites' forms do not send it, and under TLS it never travels without."""
    response = app.test_client().get("/sign-in", base_url=f"{scheme}://hub.test")
    cookie = response.headers["Set-Cookie"]
    assert re.match(rf"{prefix}circe-hub-[0-9a-f]{{8}}=", cookie)
    attributes = set(cookie.split("; ")[1:])
    assert attributes == {"HttpOnly", "Path=/", "SameSite=Lax"} | ({"Secure"} if secure else set())
    assert ("Strict-Transport-Security" in response.headers) is secure


def test_the_session_holds_the_member_id_and_no_more(app: Flask, browse: Browse) -> None:
    """Key, two moments, means, id and signature: no role and no right can be kept from an older register."""
    cookie = browse("ana").get_cookie(app.extensions["site"].cookie)
    assert cookie is not None
    assert re.fullmatch(r"[0-9a-f]{32}:[0-9]+:[0-9]+:code:ana:[0-9a-f]{64}", cookie.value)


def test_pages_that_need_no_form_set_no_cookie(app: Flask) -> None:
    """A reader of the catalogue is given nothing to be recognised by."""
    for path in ("/", "/catalogue", "/catalogue/child_year"):
        assert "Set-Cookie" not in app.test_client().get(path).headers


@pytest.mark.parametrize("step", ["check", "edit"])
def test_text_of_the_asker_is_never_markup(browse: Browse, send: Send, step: str) -> None:
    """Purpose and SQL come back as text in the form, refused or not."""
    fields = {"step": step, "project": MARKUP, "purpose": MARKUP, "sql": MARKUP, "academic_year": MARKUP}
    page = send(browse("ana"), "/queries/new", fields).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert page.count("<script") == page.count('<script src="/assets/asking.js?v=') == 1


def test_what_is_said_at_a_pause_is_never_markup(browse: Browse, send: Send) -> None:
    """The page's script puts it into the page as it comes."""
    page = send(browse("ana"), "/queries/new/check", {"sql": f"SELECT {MARKUP}"}, shown="/queries/new").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page


def test_a_stored_purpose_and_sql_are_never_markup(browse: Browse, federation: PlayedFederation) -> None:
    """On every page that shows a stored query, the log among them."""
    sql = "SELECT COUNT(*) AS n FROM child_year WHERE academic_year = 202425 AND sex = 'F' AND age < 10 AND age > 5"
    query = federation.answer(federation.start(sql, purpose=MARKUP), "node-301", "node-302", "node-303")
    for member, path in [
        ("ana", "/"),
        ("ana", "/queries"),
        ("ana", f"/queries/{query}"),
        ("ana", f"/queries/{query}/release"),
        ("", f"/releases/{find_release_id(federation, query)}"),
        ("eve", "/audit"),
    ]:
        page = browse(member).get(path).text
        assert "&lt;script&gt;" in page, path
        assert "<script" not in page, path
    assert "age &lt; 10 AND age &gt; 5" in browse("ana").get(f"/queries/{query}").text


def test_what_is_searched_for_and_the_code_are_never_markup(browse: Browse) -> None:
    assert "<script" not in browse("eve").get("/audit", query_string={"actor": MARKUP}).text
    page = browse("").get("/sign-in", query_string={"code": MARKUP}).text
    assert page.count("<script") == page.count('<script src="/assets/sign-in.js?v=') == 1


@pytest.mark.parametrize("path", ["/nowhere", "/apiary", "/queries/x/y/z"])
def test_errors_of_pages_are_pages(app: Flask, path: str) -> None:
    answer = app.test_client().get(path)
    assert answer.status_code == 404
    assert answer.content_type == "text/html; charset=utf-8"
    assert "There is no page at this address" in answer.text


@pytest.mark.parametrize("path", ["/api", "/api/nowhere", "/federation/nowhere"])
def test_errors_of_doors_are_problem_documents(app: Flask, path: str) -> None:
    answer = app.test_client().get(path)
    assert (answer.status_code, answer.content_type) == (404, PROBLEM_TYPE)
    assert answer.get_json()["status"] == 404


def test_an_unforeseen_error_says_nothing_of_its_cause(
    app: Flask, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page has one sentence; the text of the error could hold anything."""

    def fail(*arguments: object) -> None:
        raise RuntimeError("A123456789012 is in the text")

    client = browse("ana")
    monkeypatch.setattr("hub.standing.list_queries", fail)
    answer = client.get("/queries")
    assert answer.status_code == 500
    assert "Something went wrong here" in answer.text
    assert "A123456789012" not in answer.text


def test_a_method_that_a_page_does_not_have_is_refused(app: Flask) -> None:
    answer = app.test_client().get("/sign-out")
    assert answer.status_code == 405
    assert "cannot be used in that way" in answer.text


def test_a_page_that_takes_no_form_says_which_methods_it_takes(app: Flask) -> None:
    """And an address of no page is of none, whatever is sent to it: neither is about a form's token."""
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        refused = app.test_client().open("/catalogue", method=method)
        assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
        assert app.test_client().open("/nowhere", method=method).status_code == 404
