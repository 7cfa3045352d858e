"""What no schema of Kubernetes knows, KEDA's kinds and Prometheus's, as far as they are used here."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from tests.deploy.kustomize import Strict


class Metadata(Strict):
    name: str
    namespace: str


class Target(Strict):
    name: str


class Query(Strict):
    server_address: Annotated[str, Field(pattern=r"^https?://[^/]+$")]
    query: str
    threshold: Annotated[str, Field(pattern=r"^\d+(\.\d+)?$")]


class Trigger(Strict):
    type: Literal["prometheus"]
    metadata: Query


class Fallback(Strict):
    failure_threshold: Annotated[int, Field(ge=1)]
    replicas: Annotated[int, Field(ge=1)]
    behavior: Literal["static", "currentReplicas", "currentReplicasIfHigher"]


class Policy(Strict):
    type: Literal["Pods", "Percent"]
    value: Annotated[int, Field(ge=1)]
    period_seconds: Annotated[int, Field(ge=1, le=1800)]


class ScaleDown(Strict):
    stabilization_window_seconds: Annotated[int, Field(ge=0, le=3600)]
    policies: Annotated[list[Policy], Field(min_length=1)]


class Behavior(Strict):
    scale_down: ScaleDown


class Autoscaler(Strict):
    behavior: Behavior


class Advanced(Strict):
    horizontal_pod_autoscaler_config: Autoscaler


class Scaled(Strict):
    scale_target_ref: Target
    min_replica_count: Annotated[int, Field(ge=1)]
    max_replica_count: int
    polling_interval: Annotated[int, Field(ge=1)]
    fallback: Fallback
    advanced: Advanced
    triggers: Annotated[list[Trigger], Field(min_length=1)]


class ScaledObject(Strict):
    """https://keda.sh/docs/2.18/reference/scaledobject-spec/"""

    api_version: Literal["keda.sh/v1alpha1"]
    kind: Literal["ScaledObject"]
    metadata: Metadata
    spec: Scaled


class Credentials(Strict):
    name: str
    key: str


class Authorization(Strict):
    credentials: Credentials


class Endpoint(Strict):
    port: str
    path: str
    authorization: Authorization


class Monitored(Strict):
    selector: dict[str, Any]
    pod_metrics_endpoints: Annotated[list[Endpoint], Field(min_length=1)]


class PodMonitor(Strict):
    """https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PodMonitor"""

    api_version: Literal["monitoring.coreos.com/v1"]
    kind: Literal["PodMonitor"]
    metadata: Metadata
    spec: Monitored


OTHERS: Mapping[str, type[Strict]] = {"ScaledObject": ScaledObject, "PodMonitor": PodMonitor}
