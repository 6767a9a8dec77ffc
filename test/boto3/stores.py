# Saves sessions as two Python libraries do, through boto3 with the guide's hook. Arguments: library, table, endpoint.
# Each line of standard input is one save: the session's id and, if somebody is logged in, the user's.
import pathlib
import re
import sys
import time
from decimal import Decimal

import boto3

guide = pathlib.Path("docs/session-stores.md").read_text()
exec(re.search(r"```python\n(def add_user_id.*?)```", guide, re.DOTALL).group(1))


def flask_session(table, session_id):
    """As Flask-Session 0.8 (flask_session/dynamodb): UpdateItem, the expiry with a fraction."""
    table.update_item(
        Key={"id": "session:" + session_id},
        UpdateExpression="SET val = :value, expiration = :exp",
        ExpressionAttributeValues={":value": b"blob", ":exp": Decimal(str(time.time() + 3600))},
    )


def cachelib(table, session_id):
    """As cachelib's DynamoDbCache: PutItem, which replaces what is there."""
    table.put_item(
        Item={
            "cache_key": session_id,
            "expiration_time": int(time.time() + 3600),
            "created_at": "2026-11-22T10:00:00+00:00",
            "response": b"blob",
        }
    )


save = {"Flask-Session": flask_session, "cachelib": cachelib}[sys.argv[1]]
dynamodb = boto3.resource("dynamodb", endpoint_url=sys.argv[3])
logged_in = None
add_user_id(dynamodb, lambda: logged_in)
for line in sys.stdin.read().splitlines():
    session_id, _, user = line.partition(" ")
    logged_in = int(user) if user else None
    save(dynamodb.Table(sys.argv[2]), session_id)
