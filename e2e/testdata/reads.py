"""Reads every answer of the lab with boto3, and holds it to boto3's own models:
no member is null, none is unknown or of another type, and an error is one of those
that its operation can have. Prints what is wrong."""
import json
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

problems = []
# What every operation can be answered with (Systems Manager API reference, "Common errors").
COMMON = {"AccessDeniedException", "ThrottlingException", "ValidationException"}


def hold(shape, value, at):
    """Hold a value, as it came, to its shape."""
    kind = shape.type_name
    types = {"structure": dict, "map": dict, "list": list, "string": str, "integer": int, "long": int,
             "timestamp": (int, float), "boolean": bool}
    if not isinstance(value, types[kind]):
        problems.append(f"{at} is {value!r}, want a {kind}")
    elif kind == "structure":
        for name in value:
            if name in shape.members:
                hold(shape.members[name], value[name], f"{at}.{name}")
            else:
                problems.append(f"{at}.{name} is unknown")
    elif kind == "map":
        for name in value:
            hold(shape.value, value[name], f"{at}.{name}")
    elif kind == "list":
        for each in value:
            hold(shape.member, each, f"{at}[]")
    elif kind == "string" and shape.enum and value not in shape.enum and value != "":
        problems.append(f"{at} is {value!r}, want one of {shape.enum}")


def held(http_response, model, **_):
    if http_response.status_code == 200 and model.output_shape:
        hold(model.output_shape, json.loads(http_response.content), model.name)


def want(what, got, wanted):
    if got != wanted:
        problems.append(f"{what} is {got!r}, want {wanted!r}")


ssm = boto3.client("ssm", config=Config(parameter_validation=False))
ssm.meta.events.register("after-call.ssm", held)


def refused(operation, wanted, **arguments):
    model = ssm.meta.service_model.operation_model(ssm.meta.method_to_api_mapping[operation])
    if wanted not in COMMON and wanted not in {e.name for e in model.error_shapes}:
        problems.append(f"{operation}: {wanted} is no error of this operation")
    try:
        getattr(ssm, operation)(**arguments)
        problems.append(f"{operation} takes {arguments}")
    except ClientError as e:
        want(f"the error of {operation} with {arguments}", e.response["Error"]["Code"], wanted)


def content(command):
    step = {"action": "aws:runShellScript", "name": "step", "inputs": {"runCommand": [command]}}
    return json.dumps({"schemaVersion": "2.2", "mainSteps": [step]})


# Documents.
ssm.create_document(Name="Boto", Content=content("id"), DocumentType="Command")
ssm.update_document(Name="Boto", Content=content("ls"), DocumentVersion="$LATEST")
ssm.update_document_default_version(Name="Boto", DocumentVersion="2")
want("the tags of a document", ssm.describe_document(Name="Boto")["Document"]["Tags"], [])
ssm.add_tags_to_resource(ResourceType="Document", ResourceId="Boto", Tags=[{"Key": "a", "Value": "b"}])
want("the versions", [v["DocumentVersion"] for v in ssm.list_document_versions(Name="Boto")["DocumentVersions"]], ["2", "1"])
want("the content", ssm.get_document(Name="Boto")["Content"], content("ls"))
ssm.list_documents()
refused("create_document", "DocumentAlreadyExists", Name="Boto", Content=content("id"))
refused("create_document", "ValidationException", Name="Boto2")
refused("create_document", "ValidationException", Name="Boto2", Content=content("id"), Tags=[{"Key": str(n), "Value": ""} for n in range(51)])
refused("create_document", "InvalidDocumentContent", Name="Boto2", Content="{")
refused("create_document", "InvalidDocumentSchemaVersion", Name="Boto2", Content='{"schemaVersion":"9"}')
refused("update_document", "DuplicateDocumentContent", Name="Boto", Content=content("ls"), DocumentVersion="$LATEST")
refused("update_document", "InvalidDocument", Name="None", Content=content("id"))
refused("update_document", "ValidationException", Name="Boto")
refused("update_document_default_version", "InvalidDocumentVersion", Name="Boto", DocumentVersion="9")
refused("update_document_default_version", "ValidationException", Name="Boto")
for operation in ("get_document", "describe_document"):
    refused(operation, "InvalidDocument", Name="None")
    refused(operation, "InvalidDocumentVersion", Name="Boto", DocumentVersion="9")
    refused(operation, "ValidationException")
refused("list_documents", "InvalidFilterKey", Filters=[{"Key": "None", "Values": ["x"]}])
refused("list_documents", "InvalidNextToken", NextToken="x")
refused("list_document_versions", "InvalidDocument", Name="None")
refused("list_document_versions", "InvalidNextToken", Name="Boto", NextToken="x")
refused("add_tags_to_resource", "InvalidResourceType", ResourceType="Parameter", ResourceId="x", Tags=[])
refused("add_tags_to_resource", "InvalidResourceId", ResourceType="Document", ResourceId="x", Tags=[])
refused("add_tags_to_resource", "TooManyTagsError", ResourceType="Document", ResourceId="Boto", Tags=[{"Key": str(n), "Value": ""} for n in range(51)])
ssm.delete_document(Name="Boto")
refused("delete_document", "InvalidDocument", Name="Boto")
refused("delete_document", "ValidationException")

# Nodes and commands.
nodes = []
for page in ssm.get_paginator("describe_instance_information").paginate(PaginationConfig={"PageSize": 5}):
    nodes += [n["InstanceId"] for n in page["InstanceInformationList"]]
refused("describe_instance_information", "InvalidFilterKey", Filters=[{"Key": "None", "Values": ["x"]}])
refused("describe_instance_information", "InvalidInstanceInformationFilterValue", Filters=[{"Key": "PingStatus", "Values": []}])
refused("describe_instance_information", "InvalidNextToken", NextToken="x")
targets = [{"Key": "tag:env", "Values": ["prod"]}]
by_tag = ssm.send_command(DocumentName="AideFleet-Check", Targets=targets)["Command"]
by_id = ssm.send_command(DocumentName="AideFleet-Check", InstanceIds=nodes[:2])["Command"]
want("InstanceIds", (by_tag["InstanceIds"], by_id["InstanceIds"]), ([], nodes[:2]))
want("Targets", (by_tag["Targets"], by_id["Targets"]), (targets, []))
one = by_id["CommandId"]
for _ in range(100):
    if ssm.list_commands(CommandId=one)["Commands"][0]["Status"] not in ("Pending", "InProgress"):
        break
    time.sleep(0.1)
for command in ssm.list_commands()["Commands"]:
    if command["InstanceIds"] == command["Targets"]:
        problems.append(f"{command} is for nobody")
found = ssm.list_command_invocations(CommandId=one, Details=True)["CommandInvocations"]
want("the invocations", [i["InstanceId"] for i in found], nodes[:2])
for invocation in found:
    want("the plugins", [p["Name"] for p in invocation["CommandPlugins"]], ["check"])
list(ssm.get_paginator("list_command_invocations").paginate())
want("the plugin", ssm.get_command_invocation(CommandId=one, InstanceId=nodes[0])["PluginName"], "check")
ssm.cancel_command(CommandId=by_tag["CommandId"])
nobody = "00000000-0000-4000-8000-000000000000"
for arguments, wanted in (
        ({}, "ValidationException"), ({"DocumentName": "None", "Targets": targets}, "InvalidDocument"),
        ({"DocumentName": "AideFleet-Check"}, "ValidationException"),
        ({"DocumentName": "AideFleet-Check", "Targets": [{"Key": "None", "Values": ["x"]}]}, "ValidationException"),
        ({"DocumentName": "AideFleet-Check", "Targets": [{"Key": "tag:env", "Values": []}]}, "ValidationException"),
        ({"DocumentName": "AideFleet-Check", "Targets": targets, "DocumentVersion": "9"}, "InvalidDocumentVersion"),
        ({"DocumentName": "AideFleet-Check", "Targets": targets, "Parameters": {"none": ["x"]}}, "InvalidParameters"),
        ({"DocumentName": "AideFleet-Check", "InstanceIds": [nodes[0]] * 2}, "DuplicateInstanceId"),
        ({"DocumentName": "AideFleet-Check", "InstanceIds": ["i-00000000000000fff"]}, "InvalidInstanceId")):
    refused("send_command", wanted, **arguments)
for operation in ("list_commands", "list_command_invocations"):
    refused(operation, "InvalidCommandId", CommandId=nobody)
    refused(operation, "InvalidFilterKey", Filters=[{"key": "None", "value": "x"}])
    refused(operation, "InvalidNextToken", NextToken="x")
refused("get_command_invocation", "ValidationException", CommandId=one)
refused("get_command_invocation", "ValidationException", InstanceId=nodes[0])
refused("get_command_invocation", "InvalidCommandId", CommandId=nobody, InstanceId=nodes[0])
refused("get_command_invocation", "InvocationDoesNotExist", CommandId=one, InstanceId="i-00000000000000fff")
refused("get_command_invocation", "InvalidPluginName", CommandId=one, InstanceId=nodes[0], PluginName="none")
refused("cancel_command", "ValidationException")
refused("cancel_command", "InvalidCommandId", CommandId=nobody)
refused("cancel_command", "InvalidInstanceId", CommandId=one, InstanceIds=["i-00000000000000fff"])

# What else an account is asked.
want("parameters", ssm.get_parameters(Names=["/none"])["InvalidParameters"], ["/none"])
ssm.list_associations()
want("the account", boto3.client("sts").get_caller_identity()["Account"], "123456789012")
reservations = boto3.client("ec2").describe_instances(Filters=[{"Name": "tag:env", "Values": ["prod"]}])["Reservations"]
for instance in (i for r in reservations for i in r["Instances"]):
    want("a tag", {t["Key"]: t["Value"] for t in instance["Tags"]}["env"], "prod")
cloudwatch = boto3.client("cloudwatch")
cloudwatch.put_metric_data(Namespace="AIDE", MetricData=[{"MetricName": "changed", "Value": 3}])
want("the metrics", [m["MetricName"] for m in cloudwatch.list_metrics(Namespace="AIDE")["Metrics"]], ["changed"])
s3 = boto3.client("s3")
s3.put_object(Bucket="aidefleet-lab", Key="boto/a b", Body=b"content")
want("the objects", [o["Key"] for o in s3.list_objects_v2(Bucket="aidefleet-lab", Prefix="boto/")["Contents"]], ["boto/a b"])
want("an object", s3.get_object(Bucket="aidefleet-lab", Key="boto/a b")["Body"].read(), b"content")

print("\n".join(dict.fromkeys(problems)))
sys.exit(bool(problems))
