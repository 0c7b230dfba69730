import HTTPTypes

/// What tells browsers to do as little as possible with an answer.
enum SecurityHeaders {
  /// An answer that is shown as a page runs, loads and embeds nothing, and is embedded nowhere.
  private static let policy = "default-src 'none'; frame-ancestors 'none'"

  /// Adds what the answer has not set itself; the web page brings a policy of its own.
  static func add(to headers: inout HTTPFields) {
    let all: [(HTTPField.Name, String)] = [
      (.xContentTypeOptions, "nosniff"), (.contentSecurityPolicy, policy),
      (.frameOptions, "DENY"), (.referrerPolicy, "no-referrer"), (.resourcePolicy, "same-origin"),
    ]
    for (name, value) in all where headers[name] == nil { headers[name] = value }
  }
}
