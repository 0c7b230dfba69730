import ApusCore
import ApusModels
import Foundation
import Testing

/// What loading costs, and the options that change it.
@Suite(.enabled(if: Program.exists, Program.missing))
struct LoadingTests {
  #if os(Linux)
    /// The weights are packed slice by slice, and what is packed of the file leaves the memory: the process has never
    /// more than 1.15 times the file, code and tokenizer included. Without a prefix cache no memory is reserved for keys
    /// and values.
    @Test func memoryStaysNearTheSizeOfTheFile() async throws {
      let folder = try TemporaryFolder()
      let file = folder.file("large.gguf")
      let size = try LargeModel().write(to: file)
      let server = try await ServeTests.Listening(
        "-m", file, "-c", "256", "-t", "2", "--prefix-cache", "off")
      try await server.waitUntilReady()
      let id = server.running.process.processIdentifier
      let status = try String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8)
      server.running.process.terminate()
      _ = try await server.running.result()
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
      let kilobytes = try #require(line.split { $0 == " " || $0 == "\t" }.dropFirst().first)
      let ratio = Double(try #require(Int(kilobytes)) * 1024) / Double(size)
      #expect(ratio < 1.15)
      #expect(ratio > 0.9, "the weights are not in memory")
    }
  #endif

  @Test func packedWeightsSurviveTheProgram() async throws {
    let folder = try TemporaryFolder()
    func run() async throws -> Program.Result {
      try await Program.run(
        "run", "-p", "The Marigold", "-n", "6", "-q", "--pack-cache", folder.file("cache"))
    }
    let plain = try await Program.run("run", "-p", "The Marigold", "-n", "6", "-q")
    for _ in 0..<2 {
      let result = try await run()
      #expect(result.status == 0)
      #expect(result.output == plain.output)
      #expect(result.errors.isEmpty)
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("cache"))
    #expect(names.count == 1)
    try folder.write([1, 2, 3], to: "cache/" + (names.first ?? ""))
    let repaired = try await run()
    #expect(repaired.output == plain.output)
    #expect(repaired.errors.hasPrefix("warning: ") && repaired.errors.contains("incomplete"))
    #expect(repaired.errors.split(separator: "\n").count == 1)
    #expect(try await run().errors.isEmpty)
  }

  @Test func benchTellsHowLongLoadingTook() async throws {
    let result = try await Program.run(
      "bench", "throughput", "-p", "8", "-n", "0", "-r", "1", "--quantize", "q8_0")
    #expect(result.output.split(separator: "\n").contains { $0.hasPrefix("load ") })
  }
}

/// A model of 0.8 GB whose weights are zeros that take no room on the disk.
private struct LargeModel {
  private let layers = 12
  private let hidden = 2048
  private let inner = 8192
  private let heads = 16
  private let kvHeads = 4
  private let vocabulary = 256

  private var tensors: [GGUFWriter.Tensor] {
    func matrix(_ name: String, _ rows: Int, _ columns: Int) -> GGUFWriter.Tensor {
      .init(name: name + ".weight", type: .q8_0, shape: [rows, columns])
    }
    func norm(_ name: String) -> GGUFWriter.Tensor {
      .init(name: name + ".weight", type: .f32, shape: [hidden])
    }
    let keys = kvHeads * 128
    return [matrix("token_embd", vocabulary, hidden), norm("output_norm")]
      + (0..<layers).flatMap { layer in
        let prefix = "blk.\(layer)."
        return [
          norm(prefix + "attn_norm"), norm(prefix + "ffn_norm"),
          matrix(prefix + "attn_q", hidden, hidden), matrix(prefix + "attn_k", keys, hidden),
          matrix(prefix + "attn_v", keys, hidden), matrix(prefix + "attn_output", hidden, hidden),
          matrix(prefix + "ffn_gate", inner, hidden), matrix(prefix + "ffn_up", inner, hidden),
          matrix(prefix + "ffn_down", hidden, inner),
        ]
      }
  }

  private var metadata: [(key: String, value: GGUFValue)] {
    let sizes = [
      ("block_count", layers), ("context_length", 256), ("embedding_length", hidden),
      ("feed_forward_length", inner), ("attention.head_count", heads),
      ("attention.head_count_kv", kvHeads),
    ]
    return [("general.architecture", .string("llama"))]
      + sizes.map { ("llama." + $0.0, .uint32(UInt32($0.1))) }
      + [
        ("llama.attention.layer_norm_rms_epsilon", .float32(1e-5)),
        ("tokenizer.ggml.model", .string("llama")),
        ("tokenizer.ggml.tokens", .strings((0..<vocabulary).map { "token\($0)" })),
        ("tokenizer.ggml.scores", .float32s((0..<vocabulary).map { -Float($0) })),
        ("tokenizer.ggml.token_type", .int32s(.init(repeating: 1, count: vocabulary))),
      ]
  }

  /// Writes the file and returns its size.
  func write(to path: String) throws -> Int {
    let header = GGUFWriter.header(metadata: metadata, tensors: tensors)
    let size = tensors.reduce(header.count) { ($0 + $1.byteCount + 31) / 32 * 32 }
    try Data(header).write(to: URL(filePath: path))
    let file = try FileHandle(forWritingTo: URL(filePath: path))
    try file.truncate(atOffset: UInt64(size))
    try file.close()
    return size
  }
}
