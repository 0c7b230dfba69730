import ApusCompute
import ApusCore
import ApusModels
import ApusText
import Foundation
import Testing

@Suite(.serialized) struct BertTests {
  private static func vectors(
    _ checkpoint: Checkpoint, _ batches: [[[TokenID]]], _ pooling: Pooling, isa: String,
    threads: Int = 1
  ) throws -> [[Float]] {
    let pool = WorkerPool(threadCount: threads)
    let compute = try Compute(pool: pool, instructionSet: isa, precision: .full)
    let model = try EncoderArchitectures.load(
      checkpoint, loader: WeightLoader(for: checkpoint, precision: .full, pool: pool))
    let workspace = EncoderWorkspace(checkpoint.configuration, maxRows: 512)
    return batches.flatMap { texts -> [[Float]] in
      let batch = EncoderBatch(texts.map { EncoderText($0) })
      model.forward(batch, compute: compute, workspace: workspace)
      return batch.texts.map { rows in
        var sums = HiddenPool(pooling)
        for row in rows { workspace.withHidden(row) { sums.add($0) } }
        return sums.vector
      }
    }
  }

  private static func unit(_ vector: [Float]) -> [Float] {
    let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return vector.map { $0 / length }
  }

  @Test(arguments: ["bert", "bert.gguf"], InstructionSets.available)
  func agreesWithTransformers(file: String, isa: String) throws {
    let golden = try EncoderGolden()
    try #require(golden.texts.count == 12)
    let checkpoint = try Checkpoint.open(EncoderGolden.path(file))
    for pooling in Pooling.allCases {
      let vectors = try Self.vectors(
        checkpoint, [golden.texts.map(\.tokens)], pooling, isa: isa)
      for (vector, text) in zip(vectors, golden.texts) {
        let expected = try #require(text.vectors[pooling.rawValue])
        try #require(vector.count == expected.count)
        let worst = zip(Self.unit(vector), expected).map { abs($0 - $1) }.max() ?? 1
        #expect(worst < 1e-4, "\(pooling) of '\(text.text)' is off by \(worst)")
      }
    }
  }

  @Test(arguments: InstructionSets.available)
  func aTextDoesNotDependOnItsNeighbours(isa: String) throws {
    let texts = try EncoderGolden().texts.map(\.tokens)
    let checkpoint = try Checkpoint.open(EncoderGolden.path("bert"))
    let together = try Self.vectors(checkpoint, [texts], .mean, isa: isa, threads: 3)
    let alone = try Self.vectors(checkpoint, texts.map { [$0] }, .mean, isa: isa)
    let reversed = try Self.vectors(checkpoint, [texts.reversed()], .mean, isa: isa)
    #expect(together == alone)
    #expect(together == reversed.reversed())
  }

  @Test func scoresPairsLikeTransformers() throws {
    let golden = try EncoderGolden()
    let checkpoint = try Checkpoint.open(EncoderGolden.path("ranker"))
    #expect(checkpoint.configuration.encoder?.labelCount == 1)
    let json = try JSONValue(
      parsing: Array(
        Data(contentsOf: EncoderGolden.folder.appending(path: "ranker/tokenizer.json"))))
    let tokenizer = try Tokenizer(json: json)
    let query = tokenizer.encode(golden.query)
    let batch = EncoderBatch(
      golden.documents.map {
        EncoderText(query + tokenizer.encode($0).dropFirst(), secondStart: query.count)
      })
    let pool = WorkerPool(threadCount: 2)
    let compute = try Compute(pool: pool, precision: .full)
    let model = try EncoderArchitectures.load(
      checkpoint, loader: WeightLoader(for: checkpoint, precision: .full, pool: pool))
    let workspace = EncoderWorkspace(checkpoint.configuration, maxRows: 256)
    model.forward(batch, compute: compute, workspace: workspace)
    let labels = model.labels(batch, compute: compute, workspace: workspace)
    try #require(labels.count == golden.scores.count)
    for (label, score) in zip(labels, golden.scores) {
      #expect(abs(1 / (1 + exp(-label[0])) - score) < 1e-4)
    }
  }

  @Test func vocabularyFileAndGGUFTokenizeLikeTokenizerJSON() throws {
    let golden = try EncoderGolden()
    let list = try Tokenizer(
      wordPieces: String(
        contentsOf: EncoderGolden.folder.appending(path: "vocab.txt"), encoding: .utf8),
      configuration: nil)
    let json = try Tokenizer(
      json: JSONValue(
        parsing: Array(
          Data(contentsOf: EncoderGolden.folder.appending(path: "bert/tokenizer.json")))))
    let gguf = try Tokenizer(metadata: Checkpoint.open(EncoderGolden.path("bert.gguf")).metadata)
    for text in golden.texts {
      for tokenizer in [json, list, gguf] {
        #expect(tokenizer.encode(text.text) == text.tokens, "'\(text.text)'")
      }
    }
  }

  @Test func readsWhatFilesSayOfEmbeddings() throws {
    let folder = try EmbeddingConfiguration(Checkpoint.open(EncoderGolden.path("bert")))
    #expect(folder.pooling == .mean)
    #expect(folder.normalizes)
    #expect(folder.maxLength == 48)
    #expect(!folder.isMatryoshka)
    let gguf = try EmbeddingConfiguration(Checkpoint.open(EncoderGolden.path("bert.gguf")))
    #expect(gguf.pooling == .mean)
    #expect(gguf.maxLength == nil)
  }

  @Test func everyEncoderIsListed() {
    #expect(EncoderArchitectures.catalog.entries.map { String(describing: $0.element) } == ["Bert"])
  }
}
