import ApusCore

/// Recorded traces: the Azure LLM inference traces of 2023 and 2024 (CSV: time, context tokens, generated tokens), and
/// the traces of Mooncake (one JSON object a line, with the ids of the prompt's blocks).
struct TraceDataset {
  /// Tokens of a block of Mooncake's traces.
  private static let blockTokens = 512
  /// Keeps the text of blocks and of what follows them apart.
  private static let tailSeed: UInt64 = 0x7461_696C_0000_0000

  let path: String
  let text: String

  /// The requests in the order of their times, which start at 0.
  func requests(_ options: DatasetOptions) throws -> [LoadRequest] {
    let lines = text.numberedLines
    guard let first = lines.first else { throw DatasetError.empty(path: path) }
    var requests: [LoadRequest] = []
    if first.text.hasPrefix("{") {
      requests = try lines.map { try block($0.text, line: $0.number) }
    } else {
      let columns = try Columns(header: first.text).orThrow(malformed(first.number, Columns.needed))
      for (number, text) in lines.dropFirst() {
        requests.append(try row(text, columns, line: number, options.seed))
      }
    }
    requests.sort { ($0.arrival ?? 0) < ($1.arrival ?? 0) }
    if let count = options.count { requests = Array(requests.prefix(count)) }
    guard let start = requests.first?.arrival else { throw DatasetError.empty(path: path) }
    for index in requests.indices {
      requests[index].arrival = ((requests[index].arrival ?? 0) - start) * options.timeScale
    }
    return requests
  }

  // MARK: Mooncake

  private func block(_ text: String, line: Int) throws -> LoadRequest {
    let object: JSONValue
    do { object = try JSONValue(parsing: text) } catch { throw malformed(line, "\(error)") }
    func number(_ name: String) throws -> Double {
      guard let value = object[name]?.doubleValue, value >= 0, value < 1e15 else {
        throw malformed(line, "\(name) is no number of 0 or more")
      }
      return value
    }
    let identifiers = try object["hash_ids"]?.arrayValue?.map {
      try $0.intValue.orThrow(malformed(line, "hash_ids has an entry that is no integer"))
    }
    let parts = Self.parts(
      length: Int(try number("input_length")), blocks: identifiers ?? [], line: line)
    return LoadRequest(
      parts: parts, outputTokens: max(1, Int(try number("output_length"))),
      arrival: try number("timestamp") / 1000)
  }

  /// Blocks of 512 tokens, the last one as long as is left; tokens beyond the blocks are the request's own.
  package static func parts(length: Int, blocks: [Int], line: Int) -> [PromptPart] {
    var rest = max(1, length)
    var parts: [PromptPart] = []
    for block in blocks where rest > 0 {
      parts.append(
        PromptPart(seed: UInt64(bitPattern: Int64(block)), tokens: min(rest, blockTokens)))
      rest -= parts[parts.count - 1].tokens
    }
    if rest > 0 { parts.append(PromptPart(seed: tailSeed | UInt64(line), tokens: rest)) }
    return parts
  }

  // MARK: Azure

  private struct Columns {
    static let needed = "the header needs TIMESTAMP, ContextTokens and GeneratedTokens"

    let time: Int
    let context: Int
    let generated: Int

    init?(header: String) {
      let names = header.fields.map { $0.lowercased() }
      guard let time = names.firstIndex(of: "timestamp"),
        let context = names.firstIndex(of: "contexttokens"),
        let generated = names.firstIndex(of: "generatedtokens")
      else { return nil }
      (self.time, self.context, self.generated) = (time, context, generated)
    }
  }

  private func row(
    _ text: String, _ columns: Columns, line: Int, _ seed: UInt64
  ) throws -> LoadRequest {
    let fields = text.fields
    guard max(columns.time, columns.context, columns.generated) < fields.count else {
      throw malformed(line, "it has \(fields.count) fields")
    }
    guard let time = Timestamp.seconds(fields[columns.time]) else {
      throw malformed(line, "'\(fields[columns.time])' is no time such as 2023-11-16 18:15:46.68")
    }
    guard let context = Int(fields[columns.context]), let generated = Int(fields[columns.generated])
    else { throw malformed(line, "its numbers of tokens are no integers") }
    // Nothing says what these prompts share, so they share nothing.
    let part = PromptPart(seed: Self.tailSeed | UInt64(line), tokens: max(1, context))
    return LoadRequest(parts: [part], outputTokens: max(1, generated), arrival: time)
  }

  private func malformed(_ line: Int, _ reason: String) -> DatasetError {
    .malformed(path: path, line: line, reason: reason)
  }
}

/// Times as `2023-11-16 18:15:46.6805900`, with a zone or without, which is ignored.
package enum Timestamp {
  /// Seconds since 1970.
  package static func seconds(_ text: String) -> Double? {
    let halves = text.split { $0 == " " || $0 == "T" }
    guard halves.count >= 2 else { return nil }
    let date = halves[0].split(separator: "-").compactMap { Int($0) }
    let clock = halves[1].prefix { $0.isNumber || $0 == ":" || $0 == "." }.split(separator: ":")
    guard date.count == 3, clock.count == 3, (1...12).contains(date[1]), (1...31).contains(date[2]),
      let hour = Double(clock[0]), let minute = Double(clock[1]), let second = Double(clock[2])
    else { return nil }
    return Double(days(date[0], date[1], date[2])) * 86400 + hour * 3600 + minute * 60 + second
  }

  /// Days since 1970 in the Gregorian calendar, by the method of H. Hinnant, "chrono-compatible low-level date
  /// algorithms".
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let year = month <= 2 ? year - 1 : year
    let era = year / 400
    let yearOfEra = year - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}

extension String {
  /// The lines that are not empty, with their numbers from 1. Only line feeds end lines: JSON may hold others.
  var numberedLines: [(number: Int, text: String)] {
    utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
      .compactMap { index, line in
        let end = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        let isBlank = end.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        guard !isBlank else { return nil }
        let text = String(decoding: end, as: UTF8.self)
        return (index + 1, text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text)
      }
  }

  fileprivate var fields: [String] {
    split(separator: ",", omittingEmptySubsequences: false).map {
      String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
  }
}

extension Optional {
  /// The value, or the error thrown.
  func orThrow(_ error: @autoclosure () -> any Error) throws -> Wrapped {
    guard let self else { throw error() }
    return self
  }
}
