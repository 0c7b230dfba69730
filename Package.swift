// swift-tools-version: 6.2

import PackageDescription

/// Unsafe pointers live in ApusCompute only; everywhere else using one is an error.
let safe: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatWarning("StrictMemorySafety", as: .error),
]

let package = Package(
  name: "apus",
  platforms: [.macOS(.v26)],
  products: [
    .library(name: "Apus", targets: ["Apus"]),
    .executable(name: "apus", targets: ["ApusCommand"]),
  ],
  traits: [
    .trait(name: "TLS", description: "HTTPS without a proxy: --ssl-cert-file, --ssl-key-file.")
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.4.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.28.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
    .package(
      url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
  ],
  targets: [
    .target(name: "CApusKernels", cSettings: [.define("NDEBUG")]),
    .target(name: "ApusCore", swiftSettings: safe),
    .target(name: "ApusCompute", dependencies: ["ApusCore", "CApusKernels"]),
    .target(name: "ApusText", dependencies: ["ApusCore"], swiftSettings: safe),
    .target(name: "ApusScheduling", dependencies: ["ApusCore"], swiftSettings: safe),
    .target(name: "ApusKV", dependencies: ["ApusCompute"], swiftSettings: safe),
    .target(name: "ApusAttention", dependencies: ["ApusKV"], swiftSettings: safe),
    .target(name: "ApusModels", dependencies: ["ApusAttention"], swiftSettings: safe),
    .target(name: "ApusDecoding", dependencies: ["ApusModels"], swiftSettings: safe),
    .target(
      name: "ApusEngine", dependencies: ["ApusScheduling", "ApusDecoding"], swiftSettings: safe),
    .target(
      name: "Apus", dependencies: ["ApusEngine", "ApusText"],
      resources: [.copy("Resources/reader.gguf"), .copy("Resources/reader-draft.gguf")],
      swiftSettings: safe),
    .target(
      name: "ApusServer",
      dependencies: [
        "Apus",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(
          name: "HummingbirdTLS", package: "hummingbird", condition: .when(traits: ["TLS"])),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      resources: [.embedInCode("Web")],
      swiftSettings: safe),
    .target(
      name: "ApusEvaluation",
      dependencies: [
        "Apus",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      swiftSettings: safe),
    .executableTarget(
      name: "ApusCommand",
      dependencies: [
        "ApusEvaluation",
        "ApusServer",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: safe),
    .testTarget(name: "ApusTests", dependencies: ["Apus"]),
    .testTarget(name: "ApusCoreTests", dependencies: ["ApusCore"]),
    .testTarget(name: "ApusComputeTests", dependencies: ["ApusCompute"]),
    .testTarget(
      name: "ApusTextTests", dependencies: ["ApusText"],
      exclude: ["Fixtures", "ChatTemplate/Fixtures"]),
    .testTarget(name: "ApusSchedulingTests", dependencies: ["ApusScheduling"]),
    .testTarget(name: "ApusKVTests", dependencies: ["ApusKV"]),
    .testTarget(name: "ApusAttentionTests", dependencies: ["ApusAttention"]),
    .testTarget(
      name: "ApusModelsTests", dependencies: ["ApusModels", "ApusText"], exclude: ["Fixtures"]),
    .testTarget(name: "ApusDecodingTests", dependencies: ["ApusDecoding"]),
    .target(name: "CAllocations", path: "Tests/CAllocations"),
    .testTarget(name: "ApusEngineTests", dependencies: ["ApusEngine", "CAllocations"]),
    .testTarget(
      name: "ApusServerTests",
      dependencies: [
        "ApusServer",
        "ApusText",
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
        .product(name: "NIOCore", package: "swift-nio"),
      ]),
    .testTarget(
      name: "ApusEvaluationTests",
      dependencies: [
        "ApusEvaluation",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ]),
    .testTarget(name: "ApusCommandTests", dependencies: ["ApusCommand", "Apus"]),
  ]
)
