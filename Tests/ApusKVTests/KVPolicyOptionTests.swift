import ApusCore
import ApusKV
import Testing

@Suite(.serialized) struct KVPolicyOptionTests {
  /// The error names the option and says what would be right.
  @Test(arguments: [
    ("newest", "valid: window, streaming"),
    ("window:budget=0", "option budget of window is '0'; give tokens (1 or more)"),
    ("window:budget=1.5", "option budget of window is '1.5'"),
    ("window:budget=2000000000", "option budget of window"),
    ("window:sinks=4", "window has no option 'sinks'; valid: budget, slack, merge"),
    ("window:slack=0", "option slack of window is '0'; give a whole number from 1"),
    (
      "window:merge=mean",
      "option merge of window is 'mean'; give one of average, pivotal, weighted"
    ),
    ("streaming:budget=8,sinks=8", "option sinks of streaming is '8'; give fewer than 8 tokens"),
    ("streaming:budget=4", "option budget of streaming is '4'; give more than 4 tokens"),
    (
      "sirllm:budget=600,start=100,recent=500",
      "option recent of sirllm is '500'; give fewer than 500"
    ),
    ("sirllm:budget=100", "option budget of sirllm is '100'; give more than 516 tokens"),
    ("sirllm:decay=2", "option decay of sirllm is '2'; give a number from 0.0 to 1.0"),
    ("h2o:recent=1.1", "option recent of h2o is '1.1'"),
    ("tova:window=3", "tova has no option 'window'"),
    ("keyformer:seed=-1", "option seed of keyformer is '-1'"),
    ("keyformer:steps=0", "option steps of keyformer is '0'"),
    ("snapkv:kernel=4", "option kernel of snapkv is '4'; give an odd whole number"),
    ("snapkv:budget=32,window=32", "option window of snapkv is '32'; give fewer than 32 tokens"),
    ("snapkv:budget=32", "option budget of snapkv is '32'; give more than 32 tokens"),
    ("snapkv:window=0", "option window of snapkv is '0'"),
    ("snapkv:pooling=sum", "option pooling of snapkv is 'sum'; give one of avg, max"),
    ("pyramid:beta=0.5", "option beta of pyramid is '0.5'"),
    ("pyramid:merge=average", "pyramid has no option 'merge'"),
    ("adaptive:floor=-0.1", "option floor of adaptive is '-0.1'"),
    ("gemfilter:layer=-1", "option layer of gemfilter is '-1'"),
    ("gemfilter:kernel=0", "option kernel of gemfilter is '0'"),
    ("speckv:tokens=0", "option tokens of speckv is '0'"),
    ("minicache:start=2", "option start of minicache is '2'"),
    ("minicache:retained=-1", "option retained of minicache is '-1'"),
    ("razor", "option heads of razor is ''; give the path of a file"),
    ("duo", "option heads of duo is ''; give the path of a file"),
    ("duo:heads=/nowhere/heads.tsv", "option heads of duo is '/nowhere/heads.tsv'"),
    ("duo:heads=/", "give a file that can be read, of at most 1 MB"),
  ])
  func refuses(text: String, part: String) {
    let error = #expect(throws: CatalogError.self) { try KVPolicies.make(text) }
    #expect(error?.description.contains(part) == true, "\(text): \(error?.description ?? "")")
  }

  @Test func requestsNameNoFiles() throws {
    try withFile("1 0\n") { path in
      for text in ["razor:heads=\(path)", "duo:heads=\(path)", "speckv:draft=\(path)"] {
        _ = try KVPolicies.make(text)
        let error = #expect(throws: CatalogError.self) {
          try KVPolicies.make(text, files: false)
        }
        #expect(error?.description.contains("no file in a request") == true)
      }
    }
    #expect(
      try KVPolicies.make("speckv:tokens=4,draft=builtin:reader", files: false).prelude
        == .lookahead(tokens: 4, draft: "builtin:reader"))
  }

  @Test func declaresWhatItNeeds() throws {
    let declarations: [(String, KVNeeds, KVTrigger, KVPositions, KVEvicted)] = [
      ("window", KVNeeds(), .always(slack: 32), .original, .forgotten),
      ("window:slack=1,merge=average", KVNeeds(), .always(slack: 1), .original, .merged(.average)),
      ("streaming:slack=8", KVNeeds(), .always(slack: 8), .compact, .forgotten),
      ("sirllm", KVNeeds(surprise: true), .always(slack: 32), .compact, .forgotten),
      (
        "h2o:merge=weighted", KVNeeds(mass: .every), .always(slack: 32), .original,
        .merged(.weighted)
      ),
      (
        "tova:merge=pivotal", KVNeeds(mass: .last), .always(slack: 32), .original, .merged(.pivotal)
      ),
      ("keyformer", KVNeeds(mass: .every), .always(slack: 32), .original, .forgotten),
      ("snapkv", KVNeeds(mass: .promptEnd(32)), .promptEnd, .original, .forgotten),
      (
        "snapkv:window=8,merge=pivotal", KVNeeds(mass: .promptEnd(8)), .promptEnd, .original,
        .merged(.pivotal)
      ),
      ("pyramid:window=8", KVNeeds(mass: .promptEnd(8)), .promptEnd, .original, .forgotten),
      ("adaptive", KVNeeds(mass: .promptEnd(32)), .promptEnd, .original, .forgotten),
      ("speckv", KVNeeds(mass: .lookahead), .promptEnd, .original, .forgotten),
      ("gemfilter", KVNeeds(mass: .promptEnd(1)), .promptEnd, .original, .forgotten),
      ("razor:HEADS", KVNeeds(), .promptEnd, .original, .averaged),
      ("duo:HEADS", KVNeeds(), .always(slack: 32), .original, .forgotten),
      ("minicache", KVNeeds(), .promptEnd, .original, .acrossLayers(start: 0.5, retained: 0.05)),
      (
        "minicache:start=0.4,retained=0", KVNeeds(), .promptEnd, .original,
        .acrossLayers(start: 0.4, retained: 0)
      ),
    ]
    for (text, needs, trigger, positions, evicted) in declarations {
      let policy = try make(text, pattern: "1 0")
      #expect(policy.needs == needs, "\(text)")
      #expect(policy.trigger == trigger, "\(text)")
      #expect(policy.positions == positions, "\(text)")
      #expect(policy.evicted == evicted, "\(text)")
    }
  }

  @Test func preludes() throws {
    #expect(try KVPolicies.make("snapkv").prelude == .none)
    #expect(try KVPolicies.make("gemfilter").prelude == .filter(layer: 3))
    #expect(
      try KVPolicies.make("speckv").prelude
        == .lookahead(tokens: 8, draft: "builtin:reader-draft"))
    let shape = KVShape(layerCount: 5, headCount: 2)
    try KVPolicies.make("gemfilter:layer=4").validate(for: shape)
    #expect(
      throws: KVPolicyError.layerOutside(
        policy: "gemfilter", option: "layer", layer: 5, layerCount: 5)
    ) { try KVPolicies.make("gemfilter:layer=5").validate(for: shape) }
  }
}
