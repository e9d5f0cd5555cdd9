"""How calls are named in metrics and traces."""

import grpc
from google.protobuf import descriptor_pool
from lensfeed.feed.v1 import feed_edge_service_pb2, feed_service_pb2

from meshkit.grpc.call_attributes import CallAttributes, public_name


def test_the_rest_form_of_a_method_has_the_methods_name() -> None:
    """Each method that the edge calls for REST counts as a public method of the contract."""
    [service] = feed_edge_service_pb2.DESCRIPTOR.services_by_name.values()
    names = [public_name(f"/{service.full_name}/{method.name}") for method in service.methods]
    assert names == ["lensfeed.feed.v1.FeedService/GetFeed"]
    pool, _ = descriptor_pool.Default(), feed_service_pb2.DESCRIPTOR
    assert [pool.FindMethodByName(name.replace("/", ".")).name for name in names] == ["GetFeed"]


def test_attributes_are_made_once_for_each_status() -> None:
    """A status that a handler sets as a number has attributes, too."""
    attributes = CallAttributes("/lensfeed.user.v1.UserService/GetUser")
    found = attributes[grpc.StatusCode.NOT_FOUND]
    assert found is attributes[grpc.StatusCode.NOT_FOUND]
    assert found == {
        "rpc.system.name": "grpc",
        "rpc.method": "lensfeed.user.v1.UserService/GetUser",
        "rpc.response.status_code": "NOT_FOUND",
    }
    assert attributes[5]["rpc.response.status_code"] == "5"
