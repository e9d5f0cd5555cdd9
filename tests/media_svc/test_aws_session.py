"""What clients of S3 keep of botocore's data."""

from pathlib import Path

from botocore.loaders import Loader
from botocore.model import ServiceModel

from media_svc.aws_session import UsedData


def test_only_used_data_is_kept() -> None:
    """The model of S3 is complete but for its documentation, and only endpoints of used services are kept."""
    loader, used = Loader(), Loader()
    used.file_loader = UsedData()
    whole = loader.load_service_model("s3", "service-2")
    model = used.load_service_model("s3", "service-2")
    assert model["operations"].keys() == whole["operations"].keys()
    assert model["shapes"].keys() == whole["shapes"].keys()
    assert whole["operations"]["GetObject"]["documentation"]
    assert model["operations"]["GetObject"]["documentation"] == ""
    assert len(ServiceModel(model, "s3").client_context_parameters) == len(whole["clientContextParams"])
    aws = used.load_data("endpoints")["partitions"][0]
    assert aws["partition"] == "aws"
    assert {*aws["services"]} == {"s3", "sqs"}


def test_a_missing_file_is_nothing(tmp_path: Path) -> None:
    """A file that does not exist is None, as botocore's loader expects."""
    assert UsedData().load_file(str(tmp_path / "absent")) is None
