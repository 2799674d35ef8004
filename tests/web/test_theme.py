"""Light, dark or as the system has it: chosen in the account menu, and there before anything is drawn."""

import pytest

THEME = "/settings/account/theme"


def test_at_first_it_is_the_systems(as_owner):
    page = as_owner.get("/help").text
    assert '<html lang="en">' in page
    assert 'value="" aria-pressed="true">System' in page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chosen_theme_is_in_the_first_line_of_every_page(as_owner, theme):
    answer = as_owner.post(THEME, data={"theme": theme}, headers={"Referer": "http://localhost/audience?days=90"})
    assert (answer.status_code, answer.location) == (303, "/audience?days=90")
    for address in ("/help", "/nowhere"):
        page = as_owner.get(address).text
        assert f'<html lang="en" data-theme="{theme}" data-bs-theme="{theme}">' in page
        assert f'<meta name="color-scheme" content="{theme}">' in page


def test_the_sign_in_has_it_too(client):
    client.set_cookie("theme", "dark")
    assert 'data-bs-theme="dark"' in client.get("/sign-in").text


def test_with_htmx_the_page_stays_and_only_its_colours_change(as_owner):
    answer = as_owner.htmx("post", THEME, data={"theme": "dark"})
    assert 'value="dark" aria-pressed="true"' in answer.text
    assert "<html" not in answer.text
    assert answer.headers["HX-Trigger"] == '{"mani:theme": "dark"}'


def test_back_to_the_systems(as_owner):
    as_owner.post(THEME, data={"theme": "dark"})
    as_owner.post(THEME, data={"theme": ""})
    assert '<html lang="en">' in as_owner.get("/help").text


@pytest.mark.parametrize("theme", ["sepia", '"><script>', None])
def test_anything_else_is_the_systems(as_owner, theme):
    as_owner.post(THEME, data={"theme": theme} if theme else {})
    assert '<html lang="en">' in as_owner.get("/help").text
    as_owner.set_cookie("theme", theme or "x")
    assert '<html lang="en">' in as_owner.get("/help").text


def test_the_way_back_never_leads_to_another_site(as_owner):
    answer = as_owner.post(THEME, data={"theme": "dark"}, headers={"Referer": "http://localhost//elsewhere.example/x"})
    assert answer.location == "/elsewhere.example/x"
    answer = as_owner.post(THEME, data={"theme": "dark"}, headers={"Referer": "http://elsewhere.example/x"})
    assert answer.location == "/"


def test_support_may_choose_too_and_strangers_are_asked_who_they_are(as_support, client):
    assert as_support.post(THEME, data={"theme": "dark"}).status_code == 303
    assert client.post(THEME, data={"theme": "dark"}).location.startswith("/sign-in")
