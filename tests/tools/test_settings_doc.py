from tools import settings_doc


def test_the_page_of_settings_is_up_to_date() -> None:
    assert settings_doc.FILE.read_text() == settings_doc.page(), (
        "run `python -m tools.settings_doc`"
    )


def test_no_secret_has_a_default_that_is_shown() -> None:
    assert "****" not in settings_doc.page()
