"""The pages: what of them is served, and how."""

from yarl import URL

from tests.web.rig import Rig
from web.server.headers import policy

SCRIPT = "console.log('parley');" * 200


def build(rig: Rig) -> None:
    (rig.folder / "pages" / "assets").mkdir(parents=True)
    (rig.folder / "pages" / "index.html").write_text("<!doctype html><title>Parley</title>")
    (rig.folder / "pages" / "icon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (rig.folder / "pages" / "assets" / "room-1a2b.js").write_text(SCRIPT)


async def test_every_page_is_the_one_that_was_built_and_asked_for_anew(rig: Rig) -> None:
    build(rig)
    for path in ("/", "/login", "/calls", "/calls/room-1", "/overview"):
        async with rig.http.get(path) as answer:
            assert (answer.status, answer.content_type) == (200, "text/html"), path
            assert answer.headers["Cache-Control"] == "no-cache"
            assert "<title>Parley</title>" in await answer.text()


async def test_a_script_is_compressed_and_kept_for_good(rig: Rig) -> None:
    build(rig)
    async with rig.http.get("/assets/room-1a2b.js") as answer:
        assert (answer.status, answer.content_type) == (200, "text/javascript")
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "immutable" in answer.headers["Cache-Control"]
        assert await answer.text() == SCRIPT
    async with rig.http.get("/icon.svg") as answer:
        assert (answer.status, answer.content_type) == (200, "image/svg+xml")


OUTWARD = (
    "/../keys.json",
    "/..%2fkeys.json",
    "/assets/../../keys.json",
    "/assets/..%2f..%2fkeys.json",
    "/assets/..%5c..%5ckeys.json",
    "/assets/%2e%2e/%2e%2e/keys.json",
    "/assets//etc/passwd",
    "/assets/%00",
    "/assets/.hidden",
    "/assets",
    "/assets/",
)


async def test_no_path_leads_out_of_what_was_built(rig: Rig) -> None:
    build(rig)
    (rig.folder / "keys.json").write_text("secret")
    (rig.folder / "pages" / "assets" / ".hidden").write_text("secret")
    for path in OUTWARD:
        async with rig.http.get(URL(rig.url + path, encoded=True)) as answer:
            assert answer.status == 404, path
            assert "secret" not in await answer.text()


async def test_pages_that_are_not_built_say_who_builds_them(rig: Rig) -> None:
    async with rig.http.get("/calls") as answer:
        assert (answer.status, answer.content_type) == (503, "text/html")
        assert "make setup" in await answer.text()
    async with rig.http.get("/assets/room-1a2b.js") as answer:
        assert answer.status == 404


async def test_every_answer_says_what_a_browser_may_do_with_it(rig: Rig) -> None:
    build(rig)
    for path in ("/", "/assets/room-1a2b.js", "/nowhere", "/v1/calls", "/room/config"):
        async with rig.http.get(path) as answer:
            rules = answer.headers["Content-Security-Policy"].split("; ")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert "Cache-Control" in answer.headers
        assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= set(rules)
        assert "unsafe" not in str(rules)


def test_a_page_may_reach_us_and_livekit_alone() -> None:
    assert "connect-src 'self' ws://127.0.0.1:7880 http://127.0.0.1:7880;" in policy(
        "ws://127.0.0.1:7880"
    )
    assert "connect-src 'self' wss://livekit.example.com https://livekit.example.com;" in policy(
        "wss://livekit.example.com"
    )
    assert "connect-src 'self';" in policy(None)


async def test_the_pages_hide_no_route_of_the_api(rig: Rig) -> None:
    build(rig)
    async with rig.http.put("/v1/calls") as answer:
        assert answer.status == 405
    async with rig.http.get("/health") as answer:
        assert answer.content_type == "application/json"
