"""A cluster to be asked: who may what is decided by ACLs that a test adds."""

from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
)
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from tests.broker import Broker
from tests.support import eventually

Commit = Callable[..., None]
Deny = Callable[[ResourceType, str, AclOperation], None]

_ANYBODY = "User:ANONYMOUS", "*"


@pytest.fixture
def admin(kafka: Broker) -> AdminClient:
    return AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})


@pytest.fixture
def commit(admin: AdminClient) -> Commit:
    """``commit(GROUP, TOPIC, {PARTITION: OFFSET}, memo="")``, as a group without members."""

    def commit(group: str, topic: str, offsets: dict[int, int], memo: str = "") -> None:
        wanted = [TopicPartition(topic, *one, memo) for one in offsets.items()]

        def done() -> bool:  # the coordinator may have to be made first
            asked = [ConsumerGroupTopicPartitions(group, wanted)]
            answered = admin.alter_consumer_group_offsets(asked)[group].result(10)
            return not any(one.error for one in answered.topic_partitions)

        assert eventually(done)

    return commit


@pytest.fixture
def deny(admin: AdminClient) -> Iterator[Deny]:
    """``deny(KIND, NAME, OPERATION)``, for everybody, as long as the test runs."""
    made: dict[AclBindingFilter, None] = {}  # in order

    def deny(kind: ResourceType, name: str, operation: AclOperation) -> None:
        where = kind, name, ResourcePatternType.LITERAL, *_ANYBODY
        rights = {AclOperation.ALL: AclPermissionType.ALLOW, operation: AclPermissionType.DENY}
        acls = [AclBinding(*where, *right) for right in rights.items()]
        for future in admin.create_acls(acls).values():
            future.result(10)
        here = AclBindingFilter(*where, AclOperation.ANY, AclPermissionType.ANY)
        made[here] = None
        eventually(lambda: len(admin.describe_acls(here).result(10)) >= 2)

    yield deny
    if made:  # the broker goes on, for other tests
        for future in admin.delete_acls(list(made)).values():
            future.result(10)
