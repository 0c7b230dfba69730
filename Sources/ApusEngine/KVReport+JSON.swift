import ApusCore

extension KVReport {
  /// `{"kept_tokens", "bytes", "pages_read"}`, as commands and answers print it.
  package var json: JSONValue {
    [
      "kept_tokens": .number(Self.rounded(keptTokens)), "bytes": .integer(Int64(byteCount)),
      "pages_read": .number(Self.rounded(pagesRead)),
    ]
  }

  private static func rounded(_ number: Double) -> Double { (number * 1000).rounded() / 1000 }

  /// Of several requests: bytes of all, and what a head keeps and reads on average.
  package init(_ reports: [KVReport]) {
    self.init()
    let count = Double(max(reports.count, 1))
    keptTokens = reports.reduce(0) { $0 + $1.keptTokens } / count
    byteCount = reports.reduce(0) { $0 + $1.byteCount }
    pagesRead = reports.reduce(0) { $0 + $1.pagesRead } / count
  }
}

extension GenerationTimings {
  /// Adds `methods` and `kv` where approximate methods took part.
  package func addMethods(to object: inout JSONObject) {
    guard !methods.isEmpty else { return }
    object["methods"] = .array(methods.map { .string($0) })
    if kv.keptTokens > 0 { object["kv"] = kv.json }
  }
}
