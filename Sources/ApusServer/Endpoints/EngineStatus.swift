import Apus
import ApusAttention
import ApusCore
import ApusEngine
import ApusKV
import Hummingbird

/// The engine as the page's second tab draws it: counters, pages, the last steps, histograms, requests, settings.
struct EngineStatus: Endpoint {
  let paths = ["/apus/engine"]

  func respond(to call: Call, using services: Services) async throws -> Response {
    let model = try services.model()
    let engine = model.engine
    let statistics = engine.statistics
    let values = services.metrics.snapshot
    return .json([
      "model": .string(services.modelName(model)),
      "version": .string(apusVersion),
      "uptime_s": .number(services.begun.duration(to: .now).seconds),
      "running": .integer(Int64(statistics.running)),
      "waiting": .integer(Int64(statistics.waiting)),
      "counters": counters(statistics.counters),
      "pages": pages(statistics, engine),
      "steps": .array(engine.recentSteps.map(step)),
      "histograms": [
        "time_to_first_token": histogram(values.firstToken),
        "inter_token_latency": histogram(values.betweenTokens),
        "queue_time": histogram(values.queue),
      ],
      "requests": .array(services.requests.entries.map(request)),
      "settings": settings(model),
    ])
  }

  private func counters(_ counters: EngineStatistics.Counters) -> JSONValue {
    [
      "steps": .integer(Int64(counters.steps)),
      "batched_tokens": .integer(Int64(counters.batchedTokens)),
      "prompt_tokens": .integer(Int64(counters.promptTokens)),
      "cached_tokens": .integer(Int64(counters.cachedTokens)),
      "generated_tokens": .integer(Int64(counters.generatedTokens)),
      "finished": .integer(Int64(counters.finished)),
      "preemptions": .integer(Int64(counters.preemptions)),
      "swapped_pages": .integer(Int64(counters.swappedPages)),
    ]
  }

  /// `used` pages belong to running requests, `shared` of them to several; `cached` ones hold text for later.
  private func pages(_ statistics: EngineStatistics, _ engine: Engine) -> JSONValue {
    let free = statistics.pageCount - statistics.usedPages - statistics.cachedPages
    return [
      "total": .integer(Int64(statistics.pageCount)),
      "used": .integer(Int64(statistics.usedPages)),
      "shared": .integer(Int64(statistics.sharedPages)),
      "cached": .integer(Int64(statistics.cachedPages)),
      "free": .integer(Int64(free)),
      "bytes_per_page": .integer(Int64(engine.kvByteCount / max(statistics.pageCount, 1))),
    ]
  }

  private func step(_ record: StepRecord) -> JSONValue {
    [
      "number": .integer(Int64(record.number)),
      "age_ms": .number(record.start.duration(to: .now).milliseconds.rounded()),
      "ms": .number((record.seconds * 1e6).rounded() / 1000),
      "prefills": .integer(Int64(record.prefills)),
      "prefill_tokens": .integer(Int64(record.prefillTokens)),
      "decodes": .integer(Int64(record.decodes)),
      "decode_tokens": .integer(Int64(record.decodeTokens)),
      "waiting": .integer(Int64(record.waiting)),
    ]
  }

  /// `counts` has one more element than `bounds`, for what is larger than all of them.
  private func histogram(_ histogram: Histogram) -> JSONValue {
    [
      "bounds_s": .array(histogram.bounds.map { .number($0) }),
      "counts": .array(histogram.counts.map { .integer(Int64($0)) }),
      "sum_s": .number(histogram.sum),
    ]
  }

  private func request(_ entry: ActiveRequests.Entry) -> JSONValue {
    [
      "id": .integer(Int64(clamping: entry.id)),
      "prompt_tokens": .integer(Int64(entry.promptTokens)),
      "processed_tokens": .integer(Int64(entry.processed)),
      "generated_tokens": .integer(Int64(entry.generated)),
    ]
  }

  private func settings(_ model: LanguageModel) -> JSONValue {
    let engine = model.engine
    let configuration = engine.configuration
    return [
      "model": .string(model.reference.description),
      "context_length": .integer(Int64(engine.contextLength)),
      "kv_memory_bytes": .integer(Int64(engine.kvByteCount)),
      "cache_type_k": .string(configuration.keyFormat),
      "cache_type_v": .string(configuration.valueFormat),
      "kernels": .string(engine.instructionSet),
      "threads": configuration.threadCount.map { .integer(Int64($0)) } ?? "all",
      "max_num_seqs": .integer(Int64(configuration.maxSequences)),
      "max_num_batched_tokens": .integer(Int64(configuration.maxBatchedTokens)),
      "scheduling_policy": .string(configuration.schedulingPolicy),
      "prefix_cache": .bool(configuration.prefixCache),
      "shared_prefix_attn": .bool(configuration.sharedPrefixAttention),
      "kv_policies": .array(KVPolicies.catalog.names.map { .string($0) }),
      "selectors": .array(KeySelectors.catalog.names.map { .string($0) }),
    ]
  }
}
