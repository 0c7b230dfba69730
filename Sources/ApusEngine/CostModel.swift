import ApusCompute
import ApusCore
import ApusModels

/// What a model costs at a length of context: memory, and times at the speed of a machine's roofline.
///
/// The four figures of "Challenges in Deploying Long-Context Transformers" (Fu, arXiv:2405.08944): prefill is bound by
/// arithmetic, concurrency by memory, decoding by reading weights and KV cache, and a switch of users by the link that
/// the KV cache is moved over. Counted are matrix products and attention; all else is taken as free.
package struct CostModel: Sendable {
  /// Operations, two for a multiplication and its addition, by the roof they meet.
  package struct Work: Sendable, Equatable {
    package var int8 = 0.0
    package var float = 0.0
    /// On keys and values of 16 bits.
    package var half = 0.0

    package init(int8: Double = 0, float: Double = 0, half: Double = 0) {
      self.int8 = int8
      self.float = float
      self.half = half
    }

    static func + (a: Work, b: Work) -> Work {
      Work(int8: a.int8 + b.int8, float: a.float + b.float, half: a.half + b.half)
    }

    static func * (a: Work, factor: Double) -> Work {
      Work(int8: a.int8 * factor, float: a.float * factor, half: a.half * factor)
    }
  }

  /// What the weights take.
  package struct Weights: Sendable, Equatable {
    /// Bytes in memory.
    package var byteCount: Int
    /// Bytes that a step reads, however few tokens it has.
    package var readByteCount: Int
    /// Of the layers, for one token.
    package var layers: Work
    /// Of the output matrix, for one token.
    package var head: Work

    package init(byteCount: Int, readByteCount: Int, layers: Work, head: Work) {
      self.byteCount = byteCount
      self.readByteCount = readByteCount
      self.layers = layers
      self.head = head
    }
  }

  /// What the machine reaches, a second.
  package struct Machine: Sendable, Equatable {
    /// Bytes read from memory.
    package var bandwidth: Double
    /// Operations on bytes.
    package var int8: Double
    /// Operations on floating-point numbers.
    package var float: Double
    /// Operations of attention over keys and values of 16 bits.
    package var half: Double
    /// Bytes between the KV memory and where an idle user's keys and values are kept.
    package var link: Double

    /// Where `half` is nil, floats are what numbers of 16 bits become.
    package init(
      bandwidth: Double, int8: Double, float: Double, half: Double? = nil, link: Double
    ) {
      self.bandwidth = bandwidth
      self.int8 = int8
      self.float = float
      self.half = half ?? float
      self.link = link
    }

    /// All kinds of arithmetic share the same ports.
    func seconds(_ work: Work) -> Double {
      work.int8 / int8 + work.float / float + work.half / half
    }
  }

  package let configuration: ModelConfiguration
  package let geometry: KVGeometry
  package let weights: Weights
  package let machine: Machine
  /// Tokens of one step while a prompt is read.
  package let chunk: Int

  package init(
    configuration: ModelConfiguration, geometry: KVGeometry, weights: Weights, machine: Machine,
    chunk: Int
  ) {
    self.configuration = configuration
    self.geometry = geometry
    self.weights = weights
    self.machine = machine
    self.chunk = chunk
  }
}

extension CostModel {
  /// Rounded up: a token's share of a page.
  package var kvBytesPerToken: Int {
    (geometry.blockByteCount + KVGeometry.pageSize - 1) / KVGeometry.pageSize
  }

  /// Bytes of keys and values of a context, in whole pages.
  package func kvByteCount(_ context: Int) -> Int {
    KVGeometry.pageCount(context) * geometry.blockByteCount
  }

  /// Users whose whole contexts fit `byteCount` bytes of KV memory at once.
  package func users(_ context: Int, kvMemory byteCount: Int) -> Int {
    max(0, byteCount) / max(1, kvByteCount(context))
  }

  /// Seconds until the first token of a prompt that fills the context; nothing is cached.
  package func timeToFirstToken(_ context: Int) -> Double {
    let steps = (context + chunk - 1) / chunk
    let reading = Double(steps) * Double(weights.readByteCount) / machine.bandwidth
    return max(machine.seconds(prefillWork(context)), reading)
  }

  /// Seconds between two tokens of each of `users` users, whose contexts are full.
  package func timePerOutputToken(_ context: Int, users: Int) -> Double {
    let bytes = Double(weights.readByteCount) + Double(users) * Double(readKVByteCount(context))
    return max(
      machine.seconds(decodeWork(context) * Double(users)), bytes / machine.bandwidth)
  }

  /// Seconds to move a user's keys and values over the link, one way.
  package func swapTime(_ context: Int) -> Double { Double(kvByteCount(context)) / machine.link }

  /// Reading `context` tokens: each attends to itself and those before it; logits are computed for the last one.
  package func prefillWork(_ context: Int) -> Work {
    let pairs = (0..<configuration.shape.layerCount).reduce(0.0) { sum, layer in
      let window = min(context, configuration.window(ofLayer: layer) ?? context)
      // 1 + 2 + … + window, then the window for each further token.
      return sum + Double(window) * Double(window + 1) / 2 + Double(context - window)
        * Double(window)
    }
    return weights.layers * Double(context) + weights.head + attention * pairs
  }

  /// One token at the end of a full context.
  package func decodeWork(_ context: Int) -> Work {
    let pairs = (0..<configuration.shape.layerCount).reduce(0) { sum, layer in
      sum + min(context, configuration.window(ofLayer: layer) ?? context)
    }
    return weights.layers + weights.head + attention * Double(pairs)
  }

  /// Of one token with one other in one layer: a product with the key and one with the value, for each head.
  private var attention: Work {
    let product = 2 * Double(configuration.shape.headCount * configuration.shape.headDimension)
    return [geometry.key, geometry.value].reduce(Work()) { sum, format in
      if format.isApproximate { return sum + Work(int8: product) }
      return sum + (format == .f32 ? Work(float: product) : Work(half: product))
    }
  }

  /// Bytes of keys and values that one token reads.
  private func readKVByteCount(_ context: Int) -> Int {
    (0..<configuration.shape.layerCount).reduce(0) { sum, layer in
      let tokens = min(context, configuration.window(ofLayer: layer) ?? context)
      return sum + KVGeometry.pageCount(tokens) * geometry.headCount * geometry.slotByteCount
    }
  }
}

extension CostModel.Weights {
  /// Of a checkpoint as an engine loads it; the tensors' shapes are read, the weights are not.
  package init(
    _ checkpoint: Checkpoint, precision: Precision, quantization: QuantizationType? = nil
  ) {
    let plan = quantization.map { QuantizationPlan($0, for: checkpoint) }
    let isTied = checkpoint.configuration.tiedEmbeddings
    self.init(
      byteCount: checkpoint.weightByteCount(quantized: quantization), readByteCount: 0,
      layers: .init(), head: .init())
    readByteCount = byteCount
    for tensor in checkpoint.tensors.values where tensor.shape.count > 1 {
      let isEmbedding = tensor.name == "token_embd.weight"
      var type = tensor.type
      if let plan, type.blockSize == 1 {
        type = plan.target(name: tensor.name, shape: tensor.shape)
      }
      // Of an embedding that is not the output matrix too, a step looks up a few rows.
      guard !isEmbedding || isTied else {
        readByteCount -= type.byteCount(of: tensor.elementCount) ?? tensor.byteCount
        continue
      }
      let operations = 2 * Double(tensor.elementCount)
      let work =
        precision == .quantized && type.blockSize > 1
        ? CostModel.Work(int8: operations) : CostModel.Work(float: operations)
      if isEmbedding || tensor.name == "output.weight" {
        head = head + work
      } else {
        layers = layers + work
      }
    }
  }
}

extension CostModel {
  /// Bytes that programs can take now.
  package static var availableMemory: Int { EnginePlan.availableMemory() }
}
