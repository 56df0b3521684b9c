"""Requests made from /openapi.json, good and bad: no 5xx, and answers as described."""

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance
from soak import soak

EXAMPLES = soak(40, 400)
# Refusals of methods and formats that no operation lists.
UNLISTED = (400, 405, 413, 415, 431)


def run(schema, mode):
    for result in schema.get_all_operations():
        operation = result.ok()
        if mode == GenerationMode.NEGATIVE and not operation.body:
            continue  # A request without fields cannot be wrong.
        case_strategy = operation.as_strategy(generation_mode=mode)

        @seed(20240607)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(case=case_strategy)
        def check(case):
            if isinstance(case.body, dict):
                case.body.pop("stream", None)
                case.body.pop("stream_options", None)
                case.body.pop("model", None)
            response = case.call(timeout=20)
            checks = [not_a_server_error, response_schema_conformance]
            if response.status_code not in UNLISTED:
                checks.append(status_code_conformance)
            case.validate_response(response, checks=checks)

        check()


def test_good_requests(fake):
    run(schemathesis.openapi.from_url(fake.url + "/openapi.json"), GenerationMode.POSITIVE)


def test_bad_requests(fake):
    run(schemathesis.openapi.from_url(fake.url + "/openapi.json"), GenerationMode.NEGATIVE)
