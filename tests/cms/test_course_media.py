"""Course audio and video: for people who are signed in, by Range, and nothing else from that folder."""

import pytest


@pytest.fixture
def sound(settings):
    folder = settings.MEDIA_ROOT / "media"
    folder.mkdir(parents=True)
    (folder / "a.mp3").write_bytes(bytes(range(256)) * 40)
    return "/media/media/a.mp3"


def test_a_stranger_is_led_to_the_sign_in_page(client, sound):
    assert client.get(sound).status_code == 302


def test_a_range_is_served(client, thea, sound):
    client.force_login(thea)
    response = client.get(sound, headers={"range": "bytes=10-19"})
    assert response.status_code == 206
    assert b"".join(response.streaming_content) == bytes(range(10, 20))


@pytest.mark.parametrize(
    "address", ["/media/../keys/vault.key", "/media/%2e%2e/keys/vault.key", "/media/documents/a.pdf", "/media/none.mp3", "/media/media/"]
)
def test_nothing_else_is(client, thea, sound, address):
    client.force_login(thea)
    assert client.get(address).status_code == 404
