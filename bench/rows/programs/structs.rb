# structs.rb: strings, hashes, structs and JSON under the collector.
require 'json'
chance = Random.new(5)
Item = Struct.new(:key, :words, :text)
items = Array.new(90_000) do |n|
    words = Array.new(3 + n % 5) { |i| 'w' * (1 + chance.rand(40)) + i.to_s }
    Item.new("key#{n}", words, words.join(' ' * (1 + n % 7)))
end
groups = items.group_by { |item| item.text.size / 4 }
text = JSON.generate(items.first(40_000).map { |i| { key: i.key, words: i.words, text: i.text } })
again = JSON.parse(text)
longest = again.map { |row| row['text'].gsub(/w(\d)/) { "v#{$1}" }.upcase.squeeze }.uniq
500_000.times { |n| items[n % 977].words[n % 3] = 'x' * (n % 90) + n.to_s }
puts groups.size, again.size, longest.size, items.sum { |i| i.words.sum(&:size) }
