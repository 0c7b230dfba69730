import ApusCore
import ApusEngine

/// The table of `apus plan`, with where each figure in it comes from.
struct PlanReport {
  /// A number, and where it comes from.
  struct Figure {
    let value: Double
    let source: String

    init(_ value: Double, _ source: String) {
      self.value = value
      self.source = source
    }

    func json(_ key: String, divisor: Double) -> JSONValue {
      [key: .number((value / divisor).rounded3), "source": .string(source)]
    }
  }

  /// What the machine does a second.
  struct Figures {
    let bandwidth: Figure
    let int8: Figure
    let float: Figure
    /// For attention over keys and values of 16 bits.
    let half: Figure
    let link: Figure
  }

  let costs: CostModel
  let figures: Figures
  /// Bytes for keys and values.
  let memory: Figure
  let bandwidthShare: Double
  let computeShare: Double
  /// nil means as many as fit.
  let users: Int?
  let contextLength: Int

  private struct Row {
    let context: Int
    let fitting: Int
    /// Users of the figure with many.
    let users: Int
    let alone: Double
    /// nil where nobody fits.
    let together: Double?
  }

  /// 1k, 4k, 16k and so on, and the context itself.
  private var rows: [Row] {
    var contexts = sequence(first: 1024) { $0 * 4 }.prefix { $0 < contextLength }
    contexts.append(contextLength)
    return contexts.map { context in
      let fitting = costs.users(context, kvMemory: Int(memory.value))
      let users = users ?? fitting
      return Row(
        context: context, fitting: fitting, users: users,
        alone: costs.timePerOutputToken(context, users: 1),
        together: users > 0 ? costs.timePerOutputToken(context, users: users) : nil)
    }
  }

  var assumptions: [String] {
    let shares = [bandwidthShare, computeShare].map { ($0 * 100).formatted(decimals: 0) + " %" }
    return [
      "runs reach \(shares[0]) of the bandwidth and \(shares[1]) of the compute (--bandwidth-share, --compute-share); this is assumed, not measured",
      "matrix products and attention take all the time, and reading goes on beside computing",
      "all keys and values are kept and read, as without --kv-policy and --select",
      "prompts fill the context, nothing of them is cached, and they are read alone, in steps of \(costs.chunk) tokens",
      "while tokens are written, every user's context is full",
      "a swap moves the keys and values of a full context one way",
    ]
  }
}

extension PlanReport {
  var text: String {
    let head = [
      ("model", "\(costs.configuration.name), \(costs.configuration.architecture)"),
      (
        "weights",
        "\(ByteCount(costs.weights.byteCount)), \(ByteCount(costs.weights.readByteCount)) of them read in each step (from the header)"
      ),
      ("bandwidth", Self.rate(figures.bandwidth, "GB/s")),
      ("compute_int8", Self.rate(figures.int8, "GOP/s")),
      ("compute_float", Self.rate(figures.float, "GOP/s")),
      ("compute_half", Self.rate(figures.half, "GOP/s")),
      ("link", Self.rate(figures.link, "GB/s")),
      ("kv_memory", "\(ByteCount(Int(memory.value))) (\(memory.source))"),
    ].map { "\($0): \($1)" }
    let titles = [
      "context", "KV/token", "KV/user", "TTFT", "TPOT alone", "fit", "users", "TPOT", "swap",
    ]
    let cells = rows.map { row in
      [
        Self.tokens(row.context), "\(ByteCount(costs.kvBytesPerToken))",
        "\(ByteCount(costs.kvByteCount(row.context)))",
        Self.time(costs.timeToFirstToken(row.context)), Self.time(row.alone), "\(row.fitting)",
        "\(row.users)" + (row.users > row.fitting ? "*" : ""),
        row.together.map(Self.time) ?? "-", Self.time(costs.swapTime(row.context)),
      ]
    }
    var notes = assumptions.map { "- " + $0 }
    if rows.contains(where: { $0.users > $0.fitting }) {
      notes.append("* more users than fit: they would have to take turns")
    }
    let blocks = [head, Self.table([titles] + cells), ["assumptions"] + notes]
    return blocks.map { $0.joined(separator: "\n") }.joined(separator: "\n\n") + "\n"
  }

  var json: JSONValue {
    let list: [JSONValue] = rows.map { row in
      [
        "n_ctx": .integer(Int64(row.context)),
        "kv_bytes_per_token": .integer(Int64(costs.kvBytesPerToken)),
        "kv_bytes_per_user": .integer(Int64(costs.kvByteCount(row.context))),
        "ttft_ms": .number(costs.timeToFirstToken(row.context) * 1000),
        "tpot_ms": .number(row.alone * 1000), "users_fit": .integer(Int64(row.fitting)),
        "users": .integer(Int64(row.users)),
        "tpot_users_ms": row.together.map { .number($0 * 1000) } ?? .null,
        "swap_ms": .number(costs.swapTime(row.context) * 1000),
      ]
    }
    return [
      "model": .string(costs.configuration.name),
      "architecture": .string(costs.configuration.architecture),
      "weight_bytes": .integer(Int64(costs.weights.byteCount)),
      "weight_bytes_per_step": .integer(Int64(costs.weights.readByteCount)),
      "bandwidth": figures.bandwidth.json("gb_per_s", divisor: 1e9),
      "compute_int8": figures.int8.json("gop_per_s", divisor: 1e9),
      "compute_float": figures.float.json("gop_per_s", divisor: 1e9),
      "compute_half": figures.half.json("gop_per_s", divisor: 1e9),
      "link": figures.link.json("gb_per_s", divisor: 1e9),
      "kv_memory": memory.json("bytes", divisor: 1),
      "bandwidth_share": .number(bandwidthShare), "compute_share": .number(computeShare),
      "assumptions": .array(assumptions.map { .string($0) }), "rows": .array(list),
    ]
  }

  private static func rate(_ figure: Figure, _ unit: String) -> String {
    "\((figure.value / 1e9).formatted(decimals: 1)) \(unit) (\(figure.source))"
  }

  private static func tokens(_ count: Int) -> String {
    count % 1024 == 0 ? "\(count / 1024)k" : "\(count)"
  }

  private static func time(_ seconds: Double) -> String {
    seconds < 1
      ? (seconds * 1000).formatted(decimals: 2) + " ms" : seconds.formatted(decimals: 2) + " s"
  }

  /// Columns as wide as their widest cell, flush right.
  private static func table(_ lines: [[String]]) -> [String] {
    let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      zip(line, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }
        .joined(separator: "  ")
    }
  }
}
