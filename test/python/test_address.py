"""Addresses that a person has at hand."""

import httpx
import medr1_workbench as wb
import pytest
from medr1_workbench.client import Client, address


@pytest.mark.parametrize(
    ("pasted", "base", "token"),
    [
        ("http://127.0.0.1:8888/lab?token=abc", "http://127.0.0.1:8888", "abc"),
        ("http://127.0.0.1:8888/lab/tree/a%20b.ipynb?token=abc&reset", "http://127.0.0.1:8888", "abc"),
        ("127.0.0.1:8888", "http://127.0.0.1:8888", None),
        ("https://hub.example.org/user/alice/", "https://hub.example.org/user/alice", None),
        ("https://hub.example.org/user/alice/doc/tree/x.ipynb", "https://hub.example.org/user/alice", None),
        ("https://hub.example.org/user/labrador/tree", "https://hub.example.org/user/labrador", None),
        ("http://[::1]:8888/login?next=%2Flab", "http://[::1]:8888", None),
    ],
)
def test_the_base_url_and_the_token_of_a_page(pasted, base, token):
    assert address(pasted) == (base, token)


@pytest.mark.parametrize("wrong", ["ftp://host/lab", "http://", ""])
def test_what_is_no_address_is_named(wrong):
    with pytest.raises(wb.WorkbenchError) as caught:
        address(wrong)
    assert caught.value.code == "ADDRESS"


def test_being_sent_to_a_login_page_says_so():
    def login(request):
        return httpx.Response(302, headers={"location": "/login?next=%2Fmedr1"})

    client = Client(httpx.Client(base_url="http://host/medr1/api", transport=httpx.MockTransport(login)))
    with pytest.raises(wb.WorkbenchError) as caught:
        client.server()
    assert caught.value.code == "HTTP_302"
    assert "token" in caught.value.remedy


def test_a_server_that_is_not_there_shows_at_connect():
    with pytest.raises(wb.WorkbenchError) as caught:
        wb.connect("127.0.0.1:9/user/alice/lab")
    assert caught.value.code == "BACKEND_DOWN"
    assert "http://127.0.0.1:9/user/alice/ does not answer" in caught.value.message
    assert "address" in caught.value.remedy


def test_a_page_where_there_is_no_workbench_is_told_by_its_title():
    page = "<!DOCTYPE HTML>\n<html><head>\n<title>Not &amp; found</title></head>" + "<p>words</p>" * 90
    client = Client(httpx.Client(base_url="http://host/medr1/api", transport=httpx.MockTransport(lambda _: httpx.Response(404, html=page))))
    with pytest.raises(wb.WorkbenchError) as caught:
        client.server()
    assert caught.value.message == "The Jupyter server answered 404: Not & found; there is no Med-R1 Workbench at this address"
