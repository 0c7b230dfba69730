import ApusCore
import ApusEvaluation
import Foundation
import Testing

@Suite struct DatasetTests {
  private func parts(_ request: LoadRequest) -> [PromptPart] {
    if case .parts(let parts) = request.prompt { parts } else { [] }
  }

  @Test func names() throws {
    #expect(try Dataset(parsing: "random") == .random)
    #expect(try Dataset(parsing: "trace:a:b.csv") == .trace(path: "a:b.csv"))
    #expect(throws: DatasetError.unknown("trace")) { try Dataset(parsing: "trace") }
    #expect(DatasetError.unknown("x").description.contains("prefix_repetition"))
  }

  @Test func randomSharesNothing() throws {
    var options = DatasetOptions()
    (options.count, options.inputLength, options.outputLength) = (200, 100, 10)
    let requests = try Dataset.random.requests(options)
    #expect(requests.allSatisfy { $0.inputTokens == 100 && $0.outputTokens == 10 })
    #expect(Set(requests.flatMap { parts($0).map(\.seed) }).count == 200)
    options.rangeRatio = 0.5
    let lengths = try Dataset.random.requests(options).compactMap(\.inputTokens)
    #expect(lengths.allSatisfy { (50...150).contains($0) })
    #expect(Set(lengths).count > 20)
    #expect(try Dataset.random.requests(options) == Dataset.random.requests(options))
  }

  @Test func prefixesRepeat() throws {
    var options = DatasetOptions()
    (options.count, options.prefixCount) = (40, 4)
    (options.prefixLength, options.suffixLength) = (32, 8)
    let requests = try Dataset.prefixRepetition.requests(options).map(parts)
    let prefixes = Dictionary(grouping: requests) { $0[0].seed }
    #expect(prefixes.count == 4)
    #expect(prefixes.values.allSatisfy { $0.count == 10 })
    #expect(Set(requests.map { $0[1].seed }).count == 40)
    #expect(requests.allSatisfy { $0.map(\.tokens) == [32, 8] })
  }

  @Test func azureTrace() throws {
    let text = """
      TIMESTAMP,ContextTokens,GeneratedTokens\r
      2023-11-16 23:59:59.5000000,374,44\r
      2023-11-17 00:00:01.7500000,396,109\r
      2023-11-17 00:00:00.0000000,879,55\r

      """
    var options = DatasetOptions()
    options.timeScale = 2
    let requests = try Dataset.trace(path: "a.csv").requests(options, text: text)
    #expect(requests.map(\.inputTokens) == [374, 879, 396])
    #expect(requests.map(\.outputTokens) == [44, 55, 109])
    #expect(requests.map(\.arrival) == [0, 1, 4.5])
  }

  @Test func timestamps() {
    #expect(Timestamp.seconds("1970-01-01 00:00:00") == 0)
    #expect(Timestamp.seconds("2024-02-29T12:00:00.25+00:00") == 1_709_208_000.25)
    #expect(Timestamp.seconds("yesterday") == nil)
    #expect(Timestamp.seconds("2024-13-01 00:00:00") == nil)
  }

  @Test func mooncakeBlocksAreShared() throws {
    let text = """
      {"timestamp": 0, "input_length": 1300, "output_length": 5, "hash_ids": [0, 1, 2]}
      {"timestamp": 2500, "input_length": 1100, "output_length": 6, "hash_ids": [0, 1, 3]}
      {"timestamp": 2500, "input_length": 600, "output_length": 7, "hash_ids": [4]}
      """
    let requests = try Dataset.trace(path: "m").requests(DatasetOptions(), text: text)
    #expect(requests.map(\.arrival) == [0, 2.5, 2.5])
    #expect(
      requests.map { parts($0).map(\.tokens) } == [[512, 512, 276], [512, 512, 76], [512, 88]])
    let texts = requests.map { PromptWriter().prompt($0.prompt).stringValue ?? "" }
    let words = texts.map { $0.split(separator: " ") }
    #expect(words.map(\.count) == [1300, 1100, 600])
    #expect(words[0].prefix(1024) == words[1].prefix(1024))
    #expect(words[0].dropFirst(1024).prefix(76) != words[1].dropFirst(1024))
    #expect(words[0].prefix(64) != words[2].prefix(64))
  }

  @Test func filesOfPrompts() throws {
    let text = """
      {"prompt": "one\\u2028two", "max_tokens": 3}

      {"messages": [{"role": "user", "content": "hi"}], "output_len": 4}
      {"prompt": [1, 2, 3]}
      """
    var options = DatasetOptions()
    options.outputLength = 9
    let requests = try Dataset.jsonl(path: "p").requests(options, text: text)
    #expect(requests.map(\.outputTokens) == [3, 4, 9])
    #expect(requests[0].prompt == .text("one\u{2028}two"))
    #expect(requests[1].prompt == .messages([["role": "user", "content": "hi"]]))
    #expect(requests[2].prompt == .tokens([1, 2, 3]))
    options.count = 1
    #expect(try Dataset.jsonl(path: "p").requests(options, text: text).count == 1)
  }

  @Test(arguments: [
    ("trace:t", "TIMESTAMP,ContextTokens\n", 1), ("trace:t", "{\"timestamp\": 0}\n", 1),
    ("trace:t", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,2\nx,1,2\n", 3),
    ("trace:t", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1\n", 2),
    ("jsonl:t", "{\"prompt\": \"a\"}\n\n{\"prompt\": 4}\n", 3), ("jsonl:t", "{\n", 1),
    ("jsonl:t", "{\"prompt\": \"a\", \"max_tokens\": 0}\n", 1),
  ])
  func malformedFilesNameTheLine(dataset: String, text: String, line: Int) throws {
    let dataset = try Dataset(parsing: dataset)
    do {
      _ = try dataset.requests(DatasetOptions(), text: text)
      Issue.record("it was read")
    } catch DatasetError.malformed("t", let found, _) {
      #expect(found == line)
    }
  }

  @Test func emptyFiles() {
    for dataset in [Dataset.trace(path: "e"), .jsonl(path: "e")] {
      #expect(throws: DatasetError.empty(path: "e")) {
        try dataset.requests(DatasetOptions(), text: " \n\n")
      }
    }
  }

  @Test(.enabled(if: Traces.arePresent, "the recorded traces are not there"))
  func recordedTraces() throws {
    let azure = try String(contentsOf: Traces.azure, encoding: .utf8)
    let first = try Dataset.trace(path: "azure").requests(DatasetOptions(), text: azure)
    #expect(first.count == 19366)
    #expect(first[1].arrival.map { abs($0 - 4.314579) < 1e-6 } == true)
    let mooncake = try String(contentsOf: Traces.mooncake, encoding: .utf8)
    let second = try Dataset.trace(path: "mooncake").requests(DatasetOptions(), text: mooncake)
    #expect(second.count == 12031)
    #expect(second[0].inputTokens == 6758 && second[0].outputTokens == 500)
    #expect(second.allSatisfy { parts($0).reduce(0) { $0 + $1.tokens } == $0.inputTokens })
  }
}
