import ApusEngine

/// The metrics in Prometheus' text format, under the names of vLLM.
struct PrometheusText {
  private let label: String
  private var lines: [String] = []

  init(model: String) {
    let escaped = model.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      .replacing("\n", with: "\\n")
    label = "model_name=\"\(escaped)\""
  }

  var text: String { lines.joined(separator: "\n") + "\n" }

  mutating func add(_ statistics: EngineStatistics, contextLength: Int) {
    value("gauge", "vllm:num_requests_running", "Requests that run.", statistics.running)
    value("gauge", "vllm:num_requests_waiting", "Requests that wait to run.", statistics.waiting)
    let usage = Double(statistics.usedPages) / Double(max(statistics.pageCount, 1))
    value("gauge", "vllm:kv_cache_usage_perc", "Used part of the KV cache; 1 is all.", usage)
    let counters = statistics.counters
    value(
      "counter", "vllm:prefix_cache_queries_total", "Prompt tokens looked up.",
      counters.promptTokens)
    value(
      "counter", "vllm:prefix_cache_hits_total", "Prompt tokens found.", counters.cachedTokens)
    value(
      "counter", "vllm:num_preemptions_total", "Requests that lost their KV cache.",
      counters.preemptions)
    value("counter", "vllm:prompt_tokens_total", "Prompt tokens read.", counters.promptTokens)
    value(
      "counter", "vllm:generation_tokens_total", "Tokens generated.", counters.generatedTokens)
    value("counter", "apus:engine_steps_total", "Steps of the engine.", counters.steps)
    value(
      "counter", "apus:batched_tokens_total", "Tokens over all steps.", counters.batchedTokens)
    value(
      "counter", "apus:swapped_pages_total", "Pages copied to the swap space or back.",
      counters.swappedPages)
    value("gauge", "apus:context_length", "Tokens of prompt and answer.", contextLength)
  }

  mutating func add(_ values: Metrics.Values) {
    histogram(
      "vllm:time_to_first_token_seconds", "From arrival to the first token.", values.firstToken)
    histogram("vllm:inter_token_latency_seconds", "Between two tokens.", values.betweenTokens)
    histogram("vllm:e2e_request_latency_seconds", "From arrival to the end.", values.whole)
    histogram("vllm:request_queue_time_seconds", "Before the first step.", values.queue)
    histogram(
      "vllm:request_prefill_time_seconds", "From the first step to the first token.",
      values.prefill)
    histogram(
      "vllm:request_decode_time_seconds", "From the first token to the last.", values.decode)
    histogram(
      "apus:kv_kept_tokens", "Tokens a head kept in the end; of requests with approximate methods.",
      values.keptTokens)
    histogram(
      "apus:kv_bytes", "Bytes of their keys and values in the end; of the same requests.",
      values.kvBytes)
    histogram(
      "apus:kv_pages_read", "Pages a head read for one token; of the same requests.",
      values.pagesRead)
    let name = "vllm:request_success_total"
    head("counter", name, "Requests that ended, by reason.")
    for (reason, count) in values.finished.sorted(by: { $0.key < $1.key }) {
      lines.append("\(name){\(label),finished_reason=\"\(reason)\"} \(count)")
    }
    head("counter", "apus:http_answers_total", "Answers, by HTTP status.")
    for (status, count) in values.answers.sorted(by: { $0.key < $1.key }) {
      lines.append("apus:http_answers_total{\(label),status=\"\(status)\"} \(count)")
    }
  }

  /// Under the names that all of Prometheus' clients use, which have no label.
  mutating func add(_ figures: ProcessFigures, started: Int) {
    for (name, help, value) in [
      ("process_resident_memory_bytes", "Memory in use.", figures.residentMemory),
      ("process_open_fds", "Open files, connections among them.", figures.openFiles),
      ("process_start_time_seconds", "Start, in seconds since 1970.", started),
    ] {
      guard let value else { continue }
      head("gauge", name, help)
      lines.append("\(name) \(value)")
    }
  }

  private mutating func value(
    _ type: String, _ name: String, _ help: String, _ value: some Numeric
  ) {
    head(type, name, help)
    lines.append("\(name){\(label)} \(value)")
  }

  private mutating func histogram(_ name: String, _ help: String, _ histogram: Histogram) {
    head("histogram", name, help)
    lines += histogram.lines(name, label: label)
  }

  private mutating func head(_ type: String, _ name: String, _ help: String) {
    lines.append("# HELP \(name) \(help)")
    lines.append("# TYPE \(name) \(type)")
  }
}
