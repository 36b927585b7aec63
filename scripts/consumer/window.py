"""What a consumer of the DynamoDB table does: who and what is on screen in windows of a media.

    window.py [--endpoint URL] TABLE MAX_SCENE <queries >answers

Each line of standard input is one query, {"media": "cup-final", "from": 40.0, "until": 55.0}, and each line of standard
output its answer: {"celebrities": [{"name", "id", "urls", "confidence", "from", "until", "source"}], "objects": [...]},
in the order in which they are first seen. All times are seconds; MAX_SCENE is the box's vision.max_scene, or more.
"""
import argparse
import json
import sys
from decimal import Decimal

import boto3
from boto3.dynamodb.conditions import Key


def items(table, media, first, last):
    """The items of a media that begin in [first, last], by position, however many pages DynamoDB makes of them."""
    query = {"KeyConditionExpression": Key("media_id").eq(media) & Key("media_time_position").between(first, last)}
    while True:
        page = table.query(**query)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def same(a, b):
    """One entity: by id where both have one, else by name."""
    return a["id"] == b["id"] if a["id"] and b["id"] else a["name"] == b["name"]


def add(seen, entity):
    """Merges an entity into those seen before: the whole stretch, and the answer of the highest confidence."""
    for i, old in enumerate(seen):
        if same(old, entity):
            best = entity if entity["confidence"] > old["confidence"] else old
            seen[i] = dict(best, **{"from": min(old["from"], entity["from"]), "until": max(old["until"], entity["until"])})
            return
    seen.append(entity)


def window(table, media, first, last, max_scene):
    """The distinct celebrities and objects of the window [first, last]. A scene's own end is not part of it."""
    celebrities, objects = [], []
    for item in items(table, media, first - max_scene, last):
        if item["media_time_until"] <= first:
            continue
        span = {
            "from": max(item["media_time_position"], first),
            "until": min(item["media_time_until"], last),
            "source": item["source"],
        }
        for c in json.loads(item["celeb_json"]):
            add(celebrities, {"name": c["Name"], "id": c["Id"], "urls": c["Urls"], "confidence": c["MatchConfidence"], **span})
        for o in json.loads(item["object_json"]):
            add(objects, {"name": o["Name"], "id": "", "urls": [], "confidence": o["Confidence"], **span})
    return {"celebrities": celebrities, "objects": objects}


def main():
    parser = argparse.ArgumentParser(description="celebrities and objects in windows of a media, from DynamoDB")
    parser.add_argument("table")
    parser.add_argument("max_scene", type=Decimal, help="seconds")
    parser.add_argument("--endpoint", help="where DynamoDB is, unless boto3's own configuration says")
    options = parser.parse_args()
    table = boto3.resource("dynamodb", endpoint_url=options.endpoint).Table(options.table)
    for line in sys.stdin:
        query = json.loads(line, parse_float=Decimal, parse_int=Decimal)
        answer = window(table, query["media"], query["from"], query["until"], options.max_scene)
        print(json.dumps(answer, default=float), flush=True)


if __name__ == "__main__":
    main()
