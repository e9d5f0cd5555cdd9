package lensfeed

import (
	"context"
	"iter"

	feedv1 "lensfeed.example/client/gen/lensfeed/feed/v1"
)

// Feed iterates over the feed, newest first, loading pages as needed. It stops after the first error.
func (c *Client) Feed(ctx context.Context) iter.Seq2[*feedv1.FeedItem, error] {
	return func(yield func(*feedv1.FeedItem, error) bool) {
		for cursor := ""; ; {
			page, err := c.Feeds.GetFeed(ctx, &feedv1.GetFeedRequest{Cursor: cursor})
			if err != nil {
				yield(nil, err)
				return
			}
			for _, item := range page.GetItems() {
				if !yield(item, nil) {
					return
				}
			}
			if cursor = page.GetNextCursor(); cursor == "" {
				return
			}
		}
	}
}
