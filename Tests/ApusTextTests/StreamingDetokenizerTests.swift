import ApusCore
import ApusText
import Testing

@Suite(.serialized) struct StreamingDetokenizerTests {
  /// A byte-level vocabulary without merges: the id of a byte is the byte.
  static func byteTokenizer() throws -> Tokenizer {
    var entries: [(key: String, value: JSONValue)] = []
    for byte in 0..<256 {
      var piece: [UInt8] = []
      UTF8Scan.append(ByteAlphabet.scalars[byte], to: &piece)
      entries.append((String(decoding: piece, as: UTF8.self), .integer(Int64(byte))))
    }
    return try Tokenizer(json: [
      "model": ["type": "BPE", "vocab": .object(JSONObject(entries)), "merges": []],
      "pre_tokenizer": ["type": "ByteLevel", "add_prefix_space": false, "use_regex": false],
      "decoder": ["type": "ByteLevel"],
      "added_tokens": [["id": 300, "content": "<|stop|>", "special": true]],
    ])
  }

  /// Feeds ids one by one and checks what must hold at every step.
  private func stream(
    _ ids: [TokenID], _ tokenizer: Tokenizer, skip: Bool
  ) -> (text: [UInt8], pieces: [String]) {
    var detokenizer = StreamingDetokenizer(tokenizer, skipSpecialTokens: skip)
    var pieces = ids.map { detokenizer.append($0) }
    pieces.append(detokenizer.finish())
    return (pieces.flatMap { Array($0.utf8) }, pieces)
  }

  @Test func characterComesWhole() throws {
    let tokenizer = try Self.byteTokenizer()
    let text = "aé漢🦙"
    let (bytes, pieces) = stream(text.utf8.map { TokenID($0) }, tokenizer, skip: true)
    #expect(bytes == Array(text.utf8))
    #expect(pieces.filter { !$0.isEmpty } == ["a", "é", "漢", "🦙"])
  }

  @Test func specialTokenIsSkippedOnRequest() throws {
    let tokenizer = try Self.byteTokenizer()
    let ids: [TokenID] = [0xC3, 300, 0xA9, 300]
    #expect(String(decoding: stream(ids, tokenizer, skip: true).text, as: UTF8.self) == "é")
    let shown = String(decoding: stream(ids, tokenizer, skip: false).text, as: UTF8.self)
    #expect(shown == "\u{FFFD}<|stop|>\u{FFFD}<|stop|>")
  }

  @Test func anyBytesGiveTheSameAsDecodingAtOnce() throws {
    let tokenizer = try Self.byteTokenizer()
    var random = SystemRandomNumberGenerator()
    let interesting: [UInt8] = [
      0x41, 0x80, 0xBF, 0xC0, 0xC2, 0xC3, 0xE0, 0xA0, 0x9F, 0xED, 0xE2, 0x82, 0xAC, 0xF0, 0x90,
      0x8F,
      0xF4, 0xF5, 0xFF, 0x98, 0x80,
    ]
    for _ in 0..<2000 {
      let bytes = (0..<Int.random(in: 0...12, using: &random)).map { _ in
        interesting.randomElement(using: &random) ?? 0
      }
      let (text, pieces) = stream(bytes.map { TokenID($0) }, tokenizer, skip: false)
      let whole = String(decoding: bytes, as: UTF8.self)
      #expect(text == Array(whole.utf8), "\(bytes)")
      #expect(tokenizer.decode(bytes.map { TokenID($0) }).utf8.elementsEqual(whole.utf8))
      // A replacement character is only emitted when no continuation could repair it.
      for (index, piece) in pieces.enumerated() where piece.contains("\u{FFFD}") {
        #expect(whole.unicodeScalars.contains("\u{FFFD}"), "\(bytes) at \(index)")
      }
    }
  }

  @Test func idsOutsideTheVocabularyAddNothing() throws {
    let tokenizer = try Self.byteTokenizer()
    #expect(tokenizer.decode([-1, 0x61, 299, 999_999, .max, .min, 0x62]) == "ab")
  }

  @Test func leadingSpaceIsStrippedOnce() throws {
    let tokenizer = try Tokenizer(json: [
      "model": ["type": "BPE", "vocab": ["▁": 0, "a": 1, "<0xE2>": 2], "merges": []],
      "decoder": [
        "type": "Sequence",
        "decoders": [
          ["type": "Replace", "pattern": ["String": "▁"], "content": " "],
          ["type": "ByteFallback"], ["type": "Fuse"],
          ["type": "Strip", "content": " ", "start": 1, "stop": 0],
        ],
      ],
    ])
    #expect(tokenizer.decode([0, 0, 1, 0, 1]) == " a a")
    #expect(tokenizer.decode([1, 0, 1]) == "a a")
    #expect(tokenizer.decode([0, 2]) == "\u{FFFD}")
  }

  @Test(.enabled(if: Artefacts.isPresent, "artefacts are missing"))
  func realVocabulariesStreamAsTheyDecode() throws {
    var random = SystemRandomNumberGenerator()
    for name in ["llama-spm", "gpt-2", "bert-bge", "llama-bpe", "phi-3"] {
      let tokenizer = try KnownTokenizers.vocabulary(name)
      for _ in 0..<200 {
        let ids = (0..<20).map { _ in
          TokenID.random(in: 0..<TokenID(tokenizer.vocabularySize), using: &random)
        }
        for skip in [true, false] {
          let (text, _) = stream(ids, tokenizer, skip: skip)
          let decoded = tokenizer.decode(ids, skipSpecialTokens: skip)
          #expect(text == Array(decoded.utf8), "\(name) \(ids)")
        }
      }
    }
  }
}
