"""Both signatures, against values computed by Kingdee's own SDK and by hand."""

from __future__ import annotations

from connectors.kingdee.signing import client_secret, login_signature, signed_headers

APP_ID = "123456_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
NOW = 1_700_000_000
URL = "http://erp.example.test/k3cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.ExecuteBillQuery.common.kdsvc"
SECRET = "0123456789abcdef0123456789abcdef"


def test_a_login_is_signed_with_sha256_of_the_sorted_parts() -> None:
    sign = login_signature("acct01", "hubuser", APP_ID, "s3cret", NOW)
    assert sign == "c6ed25388de6590269ba50a35268a9eaf2dd3bf2929e304b039ed7592f7f86ed"


def test_old_servers_take_sha1() -> None:
    sign = login_signature("acct01", "hubuser", APP_ID, "s3cret", NOW, sha1=True)
    assert sign == "33c1fabdfd16475d555c957078ed91d4134a214a"


def test_the_key_of_the_gateway_is_hidden_in_the_application_id() -> None:
    assert client_secret(APP_ID) == ("123456", "MDE3N2I2PzBrPzg4OD45N3IhK3B1InIk")


def test_an_application_id_of_another_form_has_no_key() -> None:
    assert client_secret("123456_short") == ("123456", "")
    assert client_secret("123456") == ("123456", "")


def test_a_call_is_signed_as_kingdees_own_sdk_does_it() -> None:
    assert signed_headers(URL, APP_ID, SECRET, "acct01", "hubuser", 2052, "0", NOW) == {
        "X-Api-ClientID": "123456",
        "X-Api-Auth-Version": "2.0",
        "x-api-timestamp": "1700000000",
        "x-api-nonce": "1700000000",
        "x-api-signheaders": "x-api-timestamp,x-api-nonce",
        "X-Api-Signature": "N2M1YmZlZTUyZjc5YTRjMzU0MjkxMWVjODQ0YWEwZjQ0NzQyNWZjZjcwNGFhNzg0MzMxOGI5ZmI4YjNlMzUxOA==",
        "X-Kd-Appkey": APP_ID,
        "X-Kd-Appdata": "YWNjdDAxLGh1YnVzZXIsMjA1Miww",
        "X-Kd-Signature": "YzljMDU2MWYzNDI4NTk4ZmQ1NjJlMzQ5Mjc0NjkzMGZjYzIzMDAxMWU3NTI2NWViNWJhMDljMDYyMzk5MGEzNQ==",
    }


def test_a_chinese_user_name_is_signed_as_utf_8() -> None:
    headers = signed_headers(URL, APP_ID, SECRET, "acct01", "王磊", 2052, "100", NOW)
    assert headers["X-Kd-Appdata"] == "YWNjdDAxLOeOi+ejiiwyMDUyLDEwMA=="
