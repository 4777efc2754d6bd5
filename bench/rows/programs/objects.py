"""objects.py: objects, dicts, strings, regular expressions and JSON."""
import collections, json, random, re
chance = random.Random(11)
class Node:
    def __init__(self, key):
        self.key, self.left, self.right, self.tags = key, None, None, []
def insert(root, key):
    while root.key != key:
        side = 'left' if key < root.key else 'right'
        below = getattr(root, side)
        if below is None:
            below = Node(key)
            setattr(root, side, below)
        root.tags.append(key & 255)
        del root.tags[:-4]
        root = below
root = Node(1 << 19)
for _ in range(60000):
    insert(root, chance.randrange(1 << 20))
words = [''.join(chance.choices('abcdefgh', k=chance.randint(2, 9))) for _ in range(180000)]
count = collections.Counter(words)
index = {}
for n, word in enumerate(words):
    index.setdefault(word[:3], []).append((word, n))
rows = [{'id': n, 'name': word, 'at': [n / 7, n / 11], 'tags': [word[:2], word[2:]]}
        for n, word in enumerate(words[:45000])]
again = json.loads(json.dumps(rows))
text = ' '.join(words)
swapped = re.sub(r'(\w)(\w+)', r'\2\1', text)
kept = [word for word in re.split(r'[aeh ]+', swapped) if len(word) > 3]
print(len(count), len(index), again == rows, len(kept), sum(map(len, sorted(set(kept)))))
