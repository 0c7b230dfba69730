import ApusCompute
import ApusCore
import ApusModels
import Foundation

/// A Llama with random weights of any type, written as GGUF.
struct RandomModel {
  var type = TensorType.f32
  var layers = 2
  var hidden = 64
  var heads = 4
  var kvHeads = 2
  var headDimension = 16
  var inner = 96
  var vocabulary = 100
  var contextLength = 2048
  var seed: UInt64 = 1

  private func tensors() -> [GGUFWriter.Tensor] {
    func matrix(_ name: String, _ rows: Int, _ columns: Int) -> GGUFWriter.Tensor {
      .init(name: name + ".weight", type: type, shape: [rows, columns])
    }
    func norm(_ name: String) -> GGUFWriter.Tensor {
      .init(name: name + ".weight", type: .f32, shape: [hidden])
    }
    var result = [
      matrix("token_embd", vocabulary, hidden), norm("output_norm"),
      matrix("output", vocabulary, hidden),
    ]
    for layer in 0..<layers {
      let prefix = "blk.\(layer)."
      result += [
        norm(prefix + "attn_norm"), norm(prefix + "ffn_norm"),
        matrix(prefix + "attn_q", heads * headDimension, hidden),
        matrix(prefix + "attn_k", kvHeads * headDimension, hidden),
        matrix(prefix + "attn_v", kvHeads * headDimension, hidden),
        matrix(prefix + "attn_output", hidden, heads * headDimension),
        matrix(prefix + "ffn_gate", inner, hidden), matrix(prefix + "ffn_up", inner, hidden),
        matrix(prefix + "ffn_down", hidden, inner),
      ]
    }
    return result
  }

  /// Writes the file and returns its path.
  func write(to folder: TemporaryFolder) throws -> String {
    let path = folder.path + "/random.gguf"
    let integers = [
      ("context_length", contextLength), ("embedding_length", hidden), ("block_count", layers),
      ("feed_forward_length", inner), ("attention.head_count", heads),
      ("attention.head_count_kv", kvHeads), ("attention.key_length", headDimension),
      ("attention.value_length", headDimension), ("vocab_size", vocabulary),
    ]
    var metadata: [(key: String, value: GGUFValue)] = [("general.architecture", .string("llama"))]
    metadata += integers.map { ("llama." + $0.0, .uint32(UInt32($0.1))) }
    metadata.append(("llama.attention.layer_norm_rms_epsilon", .float32(1e-5)))
    let tensors = tensors()
    var writer = try GGUFWriter(path: path, metadata: metadata, tensors: tensors)
    var random = RandomSource(seed: seed)
    for tensor in tensors {
      let count = tensor.shape.reduce(1, *)
      let isNorm = tensor.shape.count == 1
      // Like the fixtures: clear logits, attention neither flat nor one key.
      let size = tensor.name.hasPrefix("token") ? 1 : 1.8 / Double(tensor.shape.last!).squareRoot()
      let numbers = (0..<count).map { _ -> Float in
        let unit = (random.nextUnit() + random.nextUnit() + random.nextUnit() - 1.5) * 2
        return Float(isNorm ? 1 + unit / 5 : unit * size)
      }
      try writer.append(quantize(tensor.type, numbers))
    }
    try writer.finish()
    return path
  }

  func tokens(_ count: Int, seed: UInt64) -> [TokenID] {
    var random = RandomSource(seed: seed)
    return (0..<count).map { _ in TokenID(random.next() % UInt64(vocabulary)) }
  }
}
