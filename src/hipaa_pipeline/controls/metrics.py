"""The metrics that RDS and Kinesis publish per resource, to tell an alarm that can never fire.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html
"""

from __future__ import annotations

from collections.abc import Mapping

_RDS = """
BinLogDiskUsage BurstBalance CPUCreditBalance CPUCreditUsage CPUSurplusCreditBalance CPUSurplusCreditsCharged
CPUUtilization CheckpointLag ConnectionAttempts DatabaseConnections DBLoad DBLoadCPU DBLoadNonCPU
DBLoadRelativeToNumVCPUs DiskQueueDepth DiskQueueDepthLogVolume EBSByteBalance% EBSIOBalance%
FailedSQLServerAgentJobsCount FreeLocalStorage FreeLocalStoragePercent FreeStorageSpace FreeStorageSpaceLogVolume
FreeableMemory MaximumUsedTransactionIDs NetworkReceiveThroughput NetworkTransmitThroughput
OldestLogicalReplicationSlotLag OldestReplicationSlotLag ReadIOPS ReadIOPSLogVolume ReadLatency ReadLatencyLogVolume
ReadThroughput ReadThroughputLogVolume ReplicaLag ReplicationSlotDiskUsage SwapUsage TransactionLogsDiskUsage
TransactionLogsGeneration WriteIOPS WriteIOPSLogVolume WriteLatency WriteLatencyLogVolume WriteThroughput
WriteThroughputLogVolume
"""
_KINESIS = """
GetRecords.Bytes GetRecords.IteratorAge GetRecords.IteratorAgeMilliseconds GetRecords.Latency GetRecords.Records
GetRecords.Success IncomingBytes IncomingRecords PutRecord.Bytes PutRecord.Latency PutRecord.Success PutRecords.Bytes
PutRecords.FailedRecords PutRecords.Latency PutRecords.Records PutRecords.Success PutRecords.SuccessfulRecords
PutRecords.ThrottledRecords PutRecords.TotalRecords ReadProvisionedThroughputExceeded SubscribeToShard.RateExceeded
SubscribeToShard.Success SubscribeToShardEvent.Bytes SubscribeToShardEvent.MillisBehindLatest
SubscribeToShardEvent.Records SubscribeToShardEvent.Success WriteProvisionedThroughputExceeded
"""

METRICS: Mapping[str, frozenset[str]] = {
    "AWS/RDS": frozenset(_RDS.split()),
    "AWS/Kinesis": frozenset(_KINESIS.split()),
}
