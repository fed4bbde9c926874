"""Every benchmark by its name."""

from scripts.benchmarks import durable, growth, providers, texts, upstream
from scripts.benchmarks.setting import Benchmark

BENCHMARKS: dict[str, Benchmark] = {
    "accept": durable.accept,
    "accept-and-send": durable.accept_and_send,
    "accept-one": durable.accept_one,
    "end-to-end": durable.end_to_end,
    "memory": durable.memory,
    "growth": growth.growth,
    "texts": texts.texts,
    "joins": texts.joins,
    "smspilot": providers.smspilot,
    "sms-assistent": providers.sms_assistent,
    "slow-provider": providers.slow_provider,
    "slow-sms-assistent": providers.slow_sms_assistent,
    "sms-assistent-statuses": providers.sms_assistent_statuses,
    "smspilot-callbacks": providers.smspilot_callbacks,
    "smpp-link": upstream.smpp_link,
    "smpp-end-to-end": upstream.smpp_end_to_end,
    "smpp-outstanding": upstream.smpp_outstanding,
}

# They time smppbridge in the process of the benchmark, which has that of the working tree.
WITHIN = frozenset({"texts", "joins", "smpp-link"})
