"""The client in the README of the original Odoo addon, word for word but for the user ids and what is asserted."""

import json
import sys
import time

import requests
from jose import jwt

URL = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8069"


def logout_user(user_id, key="!?#logout_api_secretkey!?#"):
    payload = {
        "aud": "auth_logout_user_jwt",
        "iss": "theissuer",
        "exp": time.time() + 60,
        "email": "admin",
    }
    token = jwt.encode(payload, key=key, algorithm="HS256")
    response = requests.post(
        "%s/auth/logout_user/%s" % (URL, user_id),
        headers={"Authorization": "Bearer %s" % token},
        data=json.dumps({}),
    )
    response.raise_for_status()
    return response.json()


assert logout_user(2) == {"jsonrpc": "2.0", "id": None, "result": True}
assert logout_user(2)["result"] is False
assert logout_user(4711)["result"] is False
try:
    logout_user(3, key="another key")
    raise AssertionError("a wrong key was accepted")
except requests.HTTPError as error:
    assert error.response.status_code == 401
assert logout_user(3)["result"] is True, "user 3 was still logged in"
print("The original's client runs unchanged.")
