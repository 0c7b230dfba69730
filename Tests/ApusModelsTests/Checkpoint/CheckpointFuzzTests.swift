import ApusCompute
import ApusCore
import ApusModels
import Foundation
import Testing

/// Thousands of broken files: each is refused in one line, or opens and can be read to the last number.
@Suite(.serialized) struct CheckpointFuzzTests {
  @Test(arguments: [TensorType.f32, .q8_0])
  func brokenGGUF(type: TensorType) throws {
    var builder = ModelBuilder()
    builder.type = type
    let original = builder.gguf
    let folder = try TemporaryFolder()
    var mutator = Mutator(seed: UInt64(type.rawValue))
    let headerEnd = GGUFWriter.header(metadata: builder.metadata, tensors: []).count + 1600
    var survivors = 0
    for _ in 0..<1200 {
      let bytes = mutator.mutate(original, within: headerEnd)
      survivors += try open(try folder.write(bytes, "model.gguf")) ? 1 : 0
    }
    #expect(survivors > 0 && survivors < 1200)
  }

  @Test func brokenSafetensors() throws {
    let builder = ModelBuilder()
    let original = builder.safetensors
    let folder = try TemporaryFolder()
    try builder.writeFolder(folder)
    var mutator = Mutator(seed: 2)
    var survivors = 0
    for _ in 0..<1000 {
      _ = try folder.write(mutator.mutate(original, within: 2000), "model.safetensors")
      survivors += try open(folder.path) ? 1 : 0
    }
    #expect(survivors > 0 && survivors < 1000)
  }

  @Test(arguments: ["llama", "mistral", "qwen2", "qwen3", "smollm3"])
  func brokenConfiguration(family: String) throws {
    var builder = ModelBuilder()
    builder.architecture = family
    let folder = try TemporaryFolder()
    let extra = JSONObject([
      ("rope_scaling", ["rope_type": "yarn", "factor": 4.0, "beta_fast": 32]),
      ("use_sliding_window", true), ("sliding_window", 16), ("max_window_layers", 1),
      ("hidden_act", "silu"), ("no_rope_layer_interval", 2),
    ])
    try builder.writeFolder(folder, config: extra)
    let original = builder.config(extra).utf8
    var mutator = Mutator(seed: 3)
    for _ in 0..<150 {
      _ = try folder.write(mutator.mutate(original, within: original.count), "config.json")
      _ = try open(folder.path)
    }
    for _ in 0..<150 {
      _ = try folder.write(mutator.mutateNumbers(of: builder.config(extra)).utf8, "config.json")
      _ = try open(folder.path)
    }
  }

  @Test func brokenIndex() throws {
    let builder = ModelBuilder()
    let folder = try TemporaryFolder()
    _ = try folder.write(builder.safetensors, "part.safetensors")
    _ = try folder.write(builder.config().utf8, "config.json")
    let map = builder.shapes.map {
      (key: ModelBuilder.huggingFaceName($0.name), value: JSONValue("part.safetensors"))
    }
    let original = JSONValue.object(JSONObject([("weight_map", .object(JSONObject(map)))])).utf8
    _ = try folder.write(original, "model.safetensors.index.json")
    #expect(try open(folder.path))
    var mutator = Mutator(seed: 4)
    for _ in 0..<300 {
      let bytes = mutator.mutate(original, within: original.count)
      _ = try folder.write(bytes, "model.safetensors.index.json")
      _ = try open(folder.path)
    }
  }

  /// Opens and reads everything; false when it was refused, which must be in one line.
  private func open(_ path: String) throws -> Bool {
    do {
      let checkpoint = try Checkpoint.open(path)
      for tensor in checkpoint.tensors.values { _ = try tensor.floats() }
      _ = Inspection(checkpoint).text()
      return true
    } catch {
      #expect(error is CheckpointError || error is FileError, "\(error)")
      let text = "\(error)"
      #expect(!text.contains { $0.isNewline } && text.count < 2000, "\(text)")
      return false
    }
  }
}

/// Deterministic damage to the bytes of a file.
private struct Mutator {
  private var random: RandomSource

  init(seed: UInt64) { random = RandomSource(seed: seed) }

  private mutating func below(_ limit: Int) -> Int { Int(random.next() % UInt64(max(1, limit))) }

  /// One to four changes, mostly in the first `within` bytes.
  mutating func mutate(_ original: [UInt8], within: Int) -> [UInt8] {
    var bytes = original
    for _ in 0...below(4) {
      guard bytes.count > 16 else { break }
      let limit = below(8) == 0 ? bytes.count : min(within, bytes.count)
      let place = below(limit)
      switch below(6) {
      case 0: bytes[place] ^= 1 << UInt8(below(8))
      case 1: bytes[place] = UInt8(truncatingIfNeeded: random.next())
      case 2: bytes.removeLast(below(bytes.count))
      case 3: splice(&bytes, at: place)
      default: overwriteInteger(&bytes, at: place)
      }
    }
    return bytes.isEmpty ? [0] : bytes
  }

  private mutating func splice(_ bytes: inout [UInt8], at place: Int) {
    let start = below(bytes.count)
    let piece = Array(bytes[start..<min(bytes.count, start + 1 + below(64))])
    if below(2) == 0 {
      bytes.insert(contentsOf: piece, at: place)
    } else {
      bytes.replaceSubrange(place..<min(bytes.count, place + piece.count), with: piece)
    }
  }

  private mutating func overwriteInteger(_ bytes: inout [UInt8], at place: Int) {
    let extremes: [UInt64] = [
      0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 40, UInt64(Int64.max), 1 << 63,
      UInt64.max, UInt64.max - 31, UInt64(bytes.count), UInt64(bytes.count) + 1, 0x7F80_0000,
    ]
    let value = extremes[below(extremes.count)]
    let width = [1, 2, 4, 8][below(4)]
    for offset in 0..<width where place + offset < bytes.count {
      bytes[place + offset] = UInt8(truncatingIfNeeded: value >> UInt64(8 * offset))
    }
  }

  /// A configuration in which some values are extreme or of another kind.
  mutating func mutateNumbers(of value: JSONValue) -> JSONValue {
    let extremes: [JSONValue] = [
      0, -1, 1, 3, 1_000_000, .integer(.max), .integer(.min), 0.5, 1e300, -1e-300, .null, true,
      "text", [], [1, 2], ["factor": 2], 4_294_967_296,
    ]
    guard case .object(var object) = value else { return extremes[below(extremes.count)] }
    for key in object.keys where below(8) == 0 {
      guard let entry = object[key] else { continue }
      object[key] = mutateNumbers(of: entry)
    }
    return .object(object)
  }
}
